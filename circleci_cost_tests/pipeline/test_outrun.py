"""Daily costs that another run writes while tables are made from them: a publication lists what belongs together."""

from pathlib import Path
from typing import Any

import pytest

from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.warehouse.costs.current_names import use_current_names
from circleci_cost.warehouse.derived import Derivation, outdated
from circleci_cost.warehouse.publishing.generations import TABLES, current_generation
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.pipeline.harness import Site
from circleci_cost_tests.pipeline.scenarios import YESTERDAY


def reprice(store: TableStore) -> None:
    """Write the daily costs once more, as another run does."""
    with store.writing("daily_costs", "initech") as connection:
        connection.execute("UPDATE usage_days SET costed_at = costed_at + INTERVAL 1 SECOND")


def stale(store: TableStore) -> set[str]:
    with store.reading() as opened:
        return outdated(opened.connection)


@pytest.fixture
def store(site: Site) -> TableStore:
    """A warehouse with daily costs of one day."""
    site.price("initech", YESTERDAY, YESTERDAY)
    return warehouse_resource(site.lake, ["initech"], site.settings.actors).store


def test_a_publication_lists_tables_made_from_the_daily_costs_that_it_lists(
    site: Site, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, last = Path.replace, store.lake.tables / "waste" / "current.json"

    def then_price(path: Path, target: Any) -> Path:
        written = replace(path, target)
        if target == last:
            monkeypatch.setattr(Path, "replace", replace)
            reprice(store)
        return written

    monkeypatch.setattr(Path, "replace", then_price)
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["published"])
    assert Path.replace is replace
    assert stale(store) == set()
    listed = current_generation(site.lake).manifest.tables or {}
    with store.reading() as opened:
        assert all(set(listed[table]) >= set(opened.snapshot.of(table)) for table in TABLES)


def test_a_table_that_rests_on_one_of_earlier_daily_costs_is_made_again(site: Site, store: TableStore) -> None:
    derivation = Derivation(site.settings, site.lake)
    assert [name for name, *_ in derivation.bring_up_to_date(store)]
    reprice(store)
    with store.writing("cost_forecast") as connection:
        derivation.forecast(connection)
    with store.writing("allocated_costs") as connection:
        derivation.allocate(connection)
    assert "allocated_costs" not in stale(store)
    assert "cost_forecast" in stale(store)


def test_rows_that_take_a_name_later_than_it_was_known_outdate_what_was_made_from_them(
    site: Site, store: TableStore
) -> None:
    with store.writing("daily_costs", "initech") as connection:
        connection.execute("UPDATE daily_costs SET project = 'former'")
    derivation = Derivation(site.settings, site.lake)
    with store.writing("allocated_costs") as connection:
        derivation.allocate(connection)
    assert "allocated_costs" not in stale(store)
    use_current_names(store)
    assert "allocated_costs" in stale(store)
