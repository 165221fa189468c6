"""`classes`: advice and changes as tables, with reasons, as JSON, and a sentence where there is nothing."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency.class_verdicts import verdicts
from circleci_cost.text.commands import for_demo
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.model.efficiency.class_days import days
from circleci_cost_tests.model.efficiency.test_advice import advice, usage
from circleci_cost_tests.warehouse_tables import edit_generation

DAY = date(2026, 11, 27)
ADVICE = advice(
    usage(),
    usage(key=2, job="lint", sampled_runs=3, sampled_seconds=1800),
)


def publish(folder: Path, tables: Mapping[str, pl.DataFrame | None]) -> None:
    """Publish a day of usage, and these tables in its generation; None is one that an earlier version lacks."""
    publish_rows(folder / "data", [{"date": DAY, "project": "web", "compute": 5000}])
    lake = open_lake(folder / "data")
    generation = current_generation(lake)
    counts: dict[str, Any] = {name: count for name, count in generation.manifest.rows.items() if name not in tables}
    with edit_generation(generation) as connection:
        for table, rows in tables.items():
            connection.execute(f"DROP TABLE {table}")
            if rows is not None:
                connection.register("new_rows", rows)
                connection.execute(f"CREATE TABLE {table} AS SELECT * FROM new_rows")
                counts |= {table: rows.height}
    point_to(lake, current_generation(lake).manifest.model_copy(update={"rows": counts}))


CHANGES = verdicts(days(["large"] * 28 + ["xlarge"] * 28))


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration(DAY))
    publish(call.folder, {"class_advice": ADVICE})
    return call


def test_the_best_class_of_each_job_is_a_line_and_the_sum_is_said(call: Caller) -> None:
    call.configure(configuration(DAY))
    few = usage(key=2, job="lint", sampled_runs=3, sampled_seconds=1800)
    two = advice(usage(), few, usage(key=3, project="api", project_id="api"))
    publish(call.folder, {"class_advice": two})
    output = call("classes").out
    assert "web / test   large   small" in output
    assert "medium" not in output
    best = two.filter("best")
    likely, low = (f"${round(best[name].sum(), 2):.2f}" for name in ("saving_usd", "saving_low_usd"))
    assert f"Together they likely save {likely} a month, between {low} and" in output
    assert "1 job has too few samples of CPU and RAM for advice (web / lint); --job NAME says how few." in output


def test_a_list_of_advice_says_how_to_go_on(published: Caller) -> None:
    output = published("classes").out
    assert "`circleci-cost classes --project web --job test`\n" in output
    assert "`circleci-cost classes --project web --config .circleci/config.yml`\n" in output
    in_demo = for_demo(output, every=True)
    assert in_demo.count("`circleci-cost --demo classes ") == in_demo.count("circleci-cost ") == 2
    assert "Together" not in output, "one saving is no sum"


def test_a_job_is_shown_with_all_its_candidates_and_their_reasons(published: Caller) -> None:
    output = published("classes", "--job", "lint").out
    assert output.startswith("web / lint: large, ")
    assert "\nmedium: refused, too few samples: 3 of 200 runs have any, 2 % of the time." in output
    assert "web / test" not in output
    assert "Together" not in output, "that is of other jobs"


def test_all_candidates_stand_job_by_job(published: Caller) -> None:
    output = published("classes", "--all").out
    titles = [line for line in output.splitlines() if " / " in line]
    assert [title.partition(":")[0] for title in titles] == ["web / test", "web / lint"]
    assert f"{ADVICE.height - 1} rows more" in published("classes", "--all", "--limit", "1").out


def test_a_job_that_did_not_run_is_refused_with_a_hint(published: Caller) -> None:
    result = published("classes", "--job", "lnt")
    assert result.code == 2
    assert "No job 'lnt' has had compute credits in 28 days; did you mean 'lint'?" in result.err


def test_json_has_exact_decimals_and_every_column(published: Caller) -> None:
    answer = json.loads(published("classes", "--json").out)
    (row,) = answer["advice"]
    assert list(row) == ADVICE.columns
    assert (row["candidate"], row["compute_cost_usd"], row["credits_per_minute"]) == ("small", "24", "20")
    assert answer["data_through"] == "2026-11-27"


def test_an_earlier_publication_without_advice_says_how_to_make_it(call: Caller) -> None:
    call.configure(configuration(DAY))
    publish(call.folder, {"class_advice": None})
    result = call("classes")
    assert result.code == 1
    assert "No advice on classes is published yet; run `circleci-cost" in result.err


def test_changes_to_revert_are_named_with_what_that_saves(call: Caller) -> None:
    call.configure(configuration(DAY))
    publish(call.folder, {"class_changes": CHANGES})
    output = call("classes", "--changes").out
    assert "web / test   large   xlarge   2026-06-29" in output
    saving = -CHANGES["saving_usd"][0]
    assert f"Revert web / test to large, which would save ${saving:.2f} a month: xlarge instead of large" in output
    (change,) = json.loads(call("classes", "--changes", "--json").out)["changes"]
    assert list(change) == CHANGES.columns
    assert (change["verdict"], change["date"], change["current"]) == ("revert", "2026-06-29", True)
    assert call("classes", "--changes", "--all").code == 2


def test_without_a_change_a_sentence_says_so(call: Caller) -> None:
    call.configure(configuration(DAY))
    publish(call.folder, {"class_changes": CHANGES.clear()})
    assert "No job changed its resource class for good." in call("classes", "--changes").out


def config_of(call: Caller) -> Path:
    path = call.folder / "config.yml"
    path.write_text("version: 2.1\njobs:\n  test:\n    machine: true\n    resource_class: large\n")
    return path


def test_the_line_that_would_change_is_written_as_a_diff_and_the_file_stays(published: Caller) -> None:
    path = config_of(published)
    before = path.read_text()
    output = published("classes", "--config", path)
    assert output.code == 0
    assert output.out.endswith("-    resource_class: large\n+    resource_class: small\n")
    assert path.read_text() == before
    path.write_text(before.replace("large", "<< parameters.size >>"))
    named = published("classes", "--config", path)
    assert (named.code, named.out) == (5, "")
    assert "Not in the diff: test (large to small): its class comes from the parameter parameters.size" in named.err


def test_a_change_to_revert_is_a_diff_back_to_the_former_class(call: Caller) -> None:
    call.configure(configuration(DAY))
    publish(call.folder, {"class_changes": CHANGES})
    path = config_of(call)
    path.write_text(path.read_text().replace("large", "xlarge"))
    assert call("classes", "--changes", "--config", path).out.endswith("+    resource_class: large\n")


def test_jobs_of_two_projects_need_one_named_for_a_configuration(call: Caller) -> None:
    call.configure(configuration(DAY))
    publish(call.folder, {"class_advice": advice(usage(), usage(key=2, project="docs", project_id="d"))})
    path = config_of(call)
    refused = call("classes", "--config", path)
    assert refused.code == 2
    assert "this is about jobs of docs, web; name one of them with --project" in refused.err
    assert "+    resource_class: small" in call("classes", "--project", "web", "--config", path).out
    assert call("classes", "--project", "wbe").code == 2
    assert call("classes", "--config", path, "--json").code == 2
