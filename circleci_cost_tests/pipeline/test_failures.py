"""What ends a run, and that it ends in one sentence, at once or after the wait that was asked for."""

import json
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from circleci_cost.defs.failures import dagster_failures
from circleci_cost.errors import SourceError, StorageError, TransientSourceError
from circleci_cost.lake.layout import FORMAT
from circleci_cost.warehouse.publishing.generations import POINTER
from circleci_cost_tests.pipeline.harness import Site, failures, initech, running
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import NOW, PAYING, YESTERDAY, EditedSource, scenario
from circleci_cost_tests.simulator_faults import actions

FIRST = date(2024, 3, 8)
SUBJECT = "Usage export of initech, 2024-03-08 to 2024-03-11"
STRANGER = "99999999-9999-4999-8999-999999999999"


def test_f070_an_unknown_organization_fails_the_run_and_changes_nothing(tmp_path: Path) -> None:
    def edit(rows: pl.DataFrame, key: object) -> pl.DataFrame:
        first = (pl.int_range(pl.len()) == 0) & (pl.col("ORGANIZATION_ID") == PAYING)
        stranger = pl.when(first).then(pl.lit(STRANGER)).otherwise("ORGANIZATION_ID")
        return rows.with_columns(stranger.alias("ORGANIZATION_ID"))

    source = EditedSource(scenario(), lambda rows, key: rows)
    with running(tmp_path, source=source) as site:
        site.refresh("initech", FIRST, YESTERDAY)
        pointer, files = (site.lake.published / POINTER).read_bytes(), site.job_run_files()
        source.edit = edit
        # Of two exports made at one moment neither would be the last.
        site.clock.advance(timedelta(minutes=1))
        result = site.refresh("initech", FIRST, YESTERDAY, refetch=True, fails=True)
        (failure,) = failures(result)
        assert failure.startswith("job_runs: ")
        assert failure.endswith(
            f"holds jobs of organizations that cost center 'initech' does not name: {STRANGER} (initech, 1 job); "
            "nothing of this export was used. Add them to shared_organization_ids of that cost center if they are "
            'on the same plan, set unknown_organizations = "report" there to count and report them, or import the file '
            "into the cost center it belongs to."
        )
        assert (site.lake.published / POINTER).read_bytes() == pointer
        assert site.job_run_files() == files


PERMANENT = [
    (
        401,
        "CircleCI does not accept the token in the environment variable CIRCLECI_COST_TEST_TOKEN (401), it is missing, "
        "revoked or expired; make a new one in CircleCI under User Settings, Personal API Tokens (project tokens do "
        "not work) and set the variable to it.",
    ),
    (
        403,
        "the token in CIRCLECI_COST_TEST_TOKEN has no access (403), usage exports are for organization "
        "administrators; make its owner an administrator of the organization (on GitHub or Bitbucket, or in CircleCI), "
        "or use an administrator's token.",
    ),
    (
        404,
        f"CircleCI knows no organization {PAYING} that this token may see (404); compare organization_id with the "
        "Organization ID in CircleCI's Organization Settings, and whether the token's owner belongs to it.",
    ),
]


@pytest.mark.parametrize(("status", "sentence"), PERMANENT, ids=["f001 401", "f002 403", "f003 404"])
def test_a_final_refusal_fails_the_run_at_once(site: Site, status: int, sentence: str) -> None:
    site.fault("create", actions.Respond(status, {"message": "no"}), times=None)
    result = site.refresh("initech", FIRST, YESTERDAY, fails=True)
    assert failures(result) == [f"usage_exports: {SUBJECT}: {sentence}"]
    assert [record.route for record in site.simulator.log] == ["create"]
    assert not [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert not site.lake.published.exists()


def test_f001_a_missing_token_is_said_before_anything_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIRCLECI_COST_TEST_TOKEN")
    result = site.refresh("initech", FIRST, YESTERDAY, fails=True)
    assert failures(result) == [
        "usage_exports: The token of cost center 'initech' is missing: the environment variable "
        "CIRCLECI_COST_TEST_TOKEN is not set. Create a personal API token in CircleCI (User Settings → Personal API "
        "Tokens) as an organization admin and export it under that name, or put it into .env."
    ]
    assert len(site.simulator.log) == 0


@pytest.mark.parametrize(
    ("route", "action"),
    [
        ("create", actions.rate_limited("1")),
        ("poll", actions.Respond(503, {"message": "busy"}, {"Retry-After": "1"})),
    ],
    ids=["f005 429", "f009 503"],
)
def test_the_step_is_retried_after_the_wait_that_was_asked_for(site: Site, route: str, action: actions.Respond) -> None:
    """The client tries six times by itself; then the step's retry waits, in real time."""
    site.fault(route, action, times=6)
    result = site.price("initech", FIRST, YESTERDAY)
    (retry,) = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert (retry.step_key, retry.step_retry_data.seconds_to_wait) == ("usage_exports", 1)
    expected = expected_costs(site.simulator.scenario, site.centers, FIRST, YESTERDAY, NOW)
    assert found_costs(site.daily_costs().to_dicts()) == expected
    assert len(list(site.simulator.jobs)) == 1


def test_transient_errors_ask_for_a_bounded_number_of_retries_and_never_too_early() -> None:
    asked = []
    for retry_after in (None, 3600.0):
        with pytest.raises(dg.RetryRequested) as caught, dagster_failures():
            raise TransientSourceError("later", retry_after=retry_after)
        asked.append((caught.value.max_retries, caught.value.seconds_to_wait))
    assert asked == [(3, 60.0), (3, 3600.0)]


def test_final_errors_are_failures_without_a_retry_and_without_their_cause() -> None:
    with pytest.raises(dg.Failure) as caught, dagster_failures():
        try:
            raise ValueError("https://host/?signature=secret")
        except ValueError as error:
            raise SourceError("One sentence.") from error
    assert (caught.value.description, caught.value.allow_retries) == ("One sentence.", False)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_f092_a_data_directory_of_a_newer_version_is_refused_and_left_alone(site: Site) -> None:
    site.lake.root.mkdir()
    (site.lake.root / "format.json").write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(StorageError) as caught:
        _ = site.definitions
    assert str(caught.value) == (
        f"The data directory {site.lake.root} has format {FORMAT + 1}, this version of circleci_cost reads up to "
        f"{FORMAT}; nothing was touched. Use the newer version, or another data_dir."
    )
    assert [path.name for path in site.lake.root.iterdir()] == ["format.json"]


def test_f112_names_from_the_data_and_paths_cannot_break_out_of_the_sql(tmp_path: Path) -> None:
    name = "web'); DROP TABLE daily_costs; -- \" $1 {files} \\ % ;"
    with running(tmp_path / "o'brien; --", initech(), scenario(web=name)) as site:
        site.price("initech", FIRST, YESTERDAY)
        site.run("reprice", "initech", FIRST, YESTERDAY)
        costs = site.table("daily_costs")
        assert set(costs["project"]) == {name, "api"}
        expected = expected_costs(site.simulator.scenario, site.centers, FIRST, YESTERDAY, NOW)
        assert found_costs(costs.to_dicts()) == expected
