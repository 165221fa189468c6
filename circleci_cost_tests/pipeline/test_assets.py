"""The list of assets says what Dagster's graph says: what is read from it elsewhere can be relied on."""

import subprocess
import sys

import dagster as dg

from circleci_cost.assets import ASSETS, BY_DAY, COSTED, DERIVED, FOLLOWING, INGESTED, PUBLISHED, Making
from circleci_cost.cli.progress_words import STEPS
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.publishing.generations import TABLES
from circleci_cost_tests.pipeline.harness import Site


def test_the_graph_has_the_listed_assets_with_their_groups_dependencies_and_partitions(site: Site) -> None:
    graph = site.definitions.resolve_asset_graph()
    materialized = {}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        by_day = isinstance(node.partitions_def, dg.MultiPartitionsDefinition)
        parents = {parent.to_user_string() for parent in node.parent_keys}
        materialized[key.to_user_string()] = (node.group_name, parents, by_day, node.is_executable)
    assert materialized == {
        each.name: (each.group, set(each.made_from), each.by_day, each.making is not Making.LOGGED) for each in ASSETS
    }


def test_the_progress_has_a_word_of_its_own_for_every_step_that_makes_an_asset(site: Site) -> None:
    job = site.definitions.resolve_job_def("refresh")
    made = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    assert STEPS.keys() == made == {*INGESTED, *COSTED, *FOLLOWING}
    # A step bears the name of its asset.
    assert made <= job.graph.node_dict.keys()
    assert len(set(STEPS.values())) == len(STEPS)


def test_each_asset_stands_below_those_that_it_is_made_from() -> None:
    above: set[str] = set()
    for each in ASSETS:
        assert set(each.made_from) <= above
        above.add(each.name)


def test_a_publication_waits_for_every_asset_whose_table_readers_read() -> None:
    # The tables of the ledger have names of their own.
    named = {each.name for each in ASSETS} & set(TABLES)
    assert "credit_lots" in TABLES
    assert set(PUBLISHED.made_from) == named | {"credit_ledger"}


def test_what_is_derived_is_made_again_in_the_order_of_the_list(site: Site) -> None:
    derivation = Derivation(site.settings, site.lake)
    store = warehouse_resource(site.lake).store
    assert tuple(name for name, *_ in derivation.bring_up_to_date(store)) == DERIVED
    assert list(derivation.bring_up_to_date(store)) == []


def test_what_is_kept_by_day_is_what_jobs_over_days_make() -> None:
    assert set(BY_DAY) <= {*INGESTED, *COSTED}
    assert not set(BY_DAY) & set(FOLLOWING)


def test_the_list_is_read_without_loading_dagster() -> None:
    """`circleci-cost --help` reads it, and the import of Dagster takes seconds."""
    code = "import sys, circleci_cost.assets; print([name for name in sys.modules if name.startswith('dagster')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
