"""A name that Unicode can write in two forms is one name in costs, rules and questions; job runs keep their bytes."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.errors import UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.reporting.filters import Filter, FilterOperator, parse_filters
from circleci_cost.model.reporting.names import known_value
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost_tests.lake.builders import CENTER, FIRST, ingest, land_rows, stored
from circleci_cost_tests.model.usage.builders import record
from circleci_cost_tests.warehouse.allocation.builders import credits_by_value, day, run, team
from circleci_cost_tests.warehouse_tables import open_tables

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def test_costs_of_both_forms_are_one_row_and_the_job_runs_keep_their_bytes(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    forms = [COMPOSED, DECOMPOSED]
    land_rows(
        lake,
        [
            record(number, PROJECT_NAME=form, WORKFLOW_NAME=form, JOB_NAME=form, VCS_BRANCH=form)
            for number, form in enumerate(forms, start=1)
        ],
    )
    ingest(lake)
    with open_tables(lake) as connection:
        summary = write_daily_costs(
            connection, lake, CENTER, [FIRST], datetime.now(UTC), history_start=FIRST, restatement_days=4
        )
        rows = connection.execute("SELECT project, workflow, job, branch, jobs, credits FROM daily_costs").fetchall()
    assert rows == [(COMPOSED, COMPOSED, COMPOSED, COMPOSED, 2, Decimal(84))]
    assert summary.credits == summary.job_run_credits == Decimal(84)
    assert set(stored(lake).get_column("workflow_name")) == set(forms)


def test_a_rule_and_a_mapping_file_fit_whichever_form_they_are_written_in(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text(f"project,value\n{DECOMPOSED} two,{DECOMPOSED}\n", encoding="utf-8")
    tag = team({"value": DECOMPOSED, "where": {"project": DECOMPOSED}}, mappings=[{"file": "teams.csv"}])
    rows = [{"date": day(1), "project": name, "compute": 10} for name in (COMPOSED, f"{COMPOSED} two")]
    connection, _ = run(rows, tag, folder=tmp_path)
    with connection:
        assert credits_by_value(connection) == {COMPOSED: "20"}


def test_a_question_finds_a_name_in_either_form_as_it_is_published() -> None:
    for name in (COMPOSED, DECOMPOSED):
        assert known_value("project", name, [COMPOSED]) == COMPOSED
        assert known_value("project", name, [DECOMPOSED]) == DECOMPOSED
        assert parse_filters([f"project={name}"]) == (Filter("project", FilterOperator.IS, (name,)),)
    with pytest.raises(UsageError, match="No usage has the project 'cafe'"):
        known_value("project", "cafe", [COMPOSED])


def test_polars_and_duckdb_mean_the_same_form() -> None:
    names = pl.DataFrame({"name": [COMPOSED, DECOMPOSED, "\u212b", "web", "\ud55c\uad6d"]})
    by_polars = names.get_column("name").str.normalize("NFC").to_list()
    by_duckdb = [name for (name,) in duckdb.execute("SELECT nfc_normalize(name) FROM names").fetchall()]
    assert by_polars == by_duckdb
