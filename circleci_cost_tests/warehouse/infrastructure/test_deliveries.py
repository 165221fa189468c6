"""Clouds deliver a month anew each day: of a billing period's deliveries the newest counts, nothing twice or lost."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.infrastructure import SourceFiles, read_sources
from circleci_cost.lake.infrastructure_state import InfrastructureState
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost_tests.lake.object_store import object_store
from circleci_cost_tests.model.infrastructure.builders import below, daily, focus_csv, source
from circleci_cost_tests.warehouse.infrastructure.builders import Warehouse

JANUARY = "20260101-20260131"
RUNS = ("0a1b2c3d-0000-4000-8000-00000000000f", "ffffffff-0000-4000-8000-000000000001")
ALL = source("**/*.csv")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(tmp_path)
    yield opened
    opened.connection.close()


def deliver(warehouse: Warehouse, name: str, costs: Mapping[str, str], at: int = 0, **more: str) -> Path:
    """Write a file with costs of days of January, last modified `at` seconds after a fixed time."""
    path = warehouse.write(name, daily(costs, **more))
    os.utime(path, (1_767_225_600 + at,) * 2)
    return path


def azure_manifest(warehouse: Warehouse, run: str, submitted: str, *files: str) -> None:
    content = {
        "runInfo": {"runId": run, "submittedTime": submitted},
        "blobs": [{"blobName": f"exports/focus/{JANUARY}/{run}/{name}"} for name in files],
    }
    warehouse.write(f"{JANUARY}/{run}/manifest.json", json.dumps(content))


def test_the_newest_run_of_an_azure_export_counts_by_its_manifest(warehouse: Warehouse) -> None:
    """The folders of runs are named by chance, and copying makes their files of one time."""
    newer, older = RUNS
    deliver(warehouse, f"{JANUARY}/{older}/part_0_0001.csv", {"01": "1", "02": "2"})
    azure_manifest(warehouse, older, "2026-01-03T05:00:00Z", "part_0_0001.csv")
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1", "02": "2"}
    deliver(warehouse, f"{JANUARY}/{newer}/part_0_0001.csv", {"01": "1"}, at=60)
    deliver(warehouse, f"{JANUARY}/{newer}/part_1_0001.csv", {"02": "1.5", "03": "3"})
    # What is being delivered has no manifest yet: the run before it counts until it has.
    summary = warehouse.read(ALL)
    assert warehouse.days() == {"01": "1", "02": "2"}
    assert summary.sources[0].remarks == (
        f"{warehouse.folder}/{JANUARY}/{newer} has no manifest and is left out; it counts when it has one",
    )
    azure_manifest(warehouse, newer, "2026-01-04T05:00:00Z", "part_0_0001.csv", "part_1_0001.csv")
    # One of before there were manifests is no news.
    deliver(warehouse, f"{JANUARY}/{RUNS[0][:-1]}0/part_0_0001.csv", {"01": "9"}, at=-60)
    (aws,) = warehouse.read(ALL).sources
    assert warehouse.days() == {"01": "1", "02": "1.5", "03": "3"}
    assert (aws.files, aws.superseded, aws.remarks) == (4, 2, ())
    assert [source.read for source in warehouse.read(ALL).sources] == [0]


def test_a_manifest_whose_file_is_missing_leaves_everything(warehouse: Warehouse) -> None:
    older, newer = RUNS
    deliver(warehouse, f"{JANUARY}/{older}/part_0_0001.csv", {"01": "1"})
    azure_manifest(warehouse, older, "2026-01-03T05:00:00Z", "part_0_0001.csv")
    warehouse.read(ALL)
    deliver(warehouse, f"{JANUARY}/{newer}/part_0_0001.csv", {"01": "2"})
    azure_manifest(warehouse, newer, "2026-01-04T05:00:00Z", "part_0_0001.csv", "part_1_0001.csv")
    assert warehouse.refused(ALL) == (
        f"{JANUARY}/{newer}/manifest.json lists exports/focus/{JANUARY}/{newer}/part_1_0001.csv, which is no file of "
        "this source; have it delivered or copied, or widen the files of [[infrastructure]]. Nothing of this source "
        "was used."
    )
    assert warehouse.days() == {"01": "1"}
    warehouse.write(f"{JANUARY}/{newer}/manifest.json", '{"blobs": [')
    assert "manifest.json is no JSON" in warehouse.refused(ALL)


def test_runs_without_a_manifest_are_ordered_by_the_time_of_their_files(warehouse: Warehouse) -> None:
    newer, older = RUNS
    deliver(warehouse, f"{JANUARY}/{older}/part_0.csv", {"01": "1", "02": "2"}, at=60)
    deliver(warehouse, f"{JANUARY}/{newer}/part_0.csv", {"01": "1.25"}, at=3600)
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1.25"}
    deliver(warehouse, f"{JANUARY}/{older}/part_0.csv", {"01": "1", "02": "2"}, at=3600)
    assert warehouse.refused(ALL) == (
        f"{JANUARY}/{newer} and {JANUARY}/{older} are of the same time, so that it cannot be told which delivery is "
        "newer; remove one of them, or set deliveries in the [[infrastructure]] section to what shows it (README). "
        "Nothing of this source was used."
    )
    assert warehouse.days() == {"01": "1.25"}


def test_executions_of_an_aws_export_are_ordered_by_their_folder_whatever_the_time_of_their_files(
    warehouse: Warehouse,
) -> None:
    place = "focus/data/BILLING_PERIOD=2026-01"
    for at, day in enumerate(("02", "03")):
        run = f"2026-01-{day}T04:05:06.789Z-{RUNS[at]}"
        for part in (1, 2):
            deliver(warehouse, f"{place}/{run}/focus-0000{part}.csv", {f"0{part}": day}, at=-at)
    deliver(warehouse, "focus/data/BILLING_PERIOD=2025-12/focus-00001.csv", {"09": "9"})
    deliver(warehouse, "other/data/BILLING_PERIOD=2026-01/other-00001.csv", {"01": "100"})
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "103", "02": "3", "09": "9"}


def test_leftovers_that_an_aws_manifest_no_longer_lists_do_not_count(warehouse: Warehouse) -> None:
    place = "focus/data/BILLING_PERIOD=2026-01"
    for part in (1, 2):
        deliver(warehouse, f"{place}/focus-0000{part}.csv", {f"0{part}": "1"})
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1", "02": "1"}
    manifest = {"executionId": RUNS[0], "dataFiles": [f"s3://bucket/costs/{place}/focus-00001.csv"]}
    warehouse.write("focus/metadata/BILLING_PERIOD=2026-01/focus-Manifest.json", json.dumps(manifest))
    section = source("focus/data/**/*.csv")
    warehouse.read(section)
    assert warehouse.days() == {"01": "1"}
    manifest["dataFiles"] = [f"s3://bucket/costs/{place}/focus-0000{part}.csv" for part in (1, 2)]
    warehouse.write("focus/metadata/BILLING_PERIOD=2026-01/focus-Manifest.json", json.dumps(manifest))
    warehouse.read(section)
    assert warehouse.days() == {"01": "1", "02": "1"}


@pytest.mark.parametrize(
    "listed", [5, True, "focus.csv", {"focus.csv": 1}, ["s3://[bucket/focus.csv"], ["focus\ud800.csv"], [None, [], {}]]
)
def test_a_strange_manifest_breaks_no_reading(warehouse: Warehouse, listed: object) -> None:
    place = "focus/data/BILLING_PERIOD=2026-01"
    deliver(warehouse, f"{place}/focus-00001.csv", {"01": "1"})
    manifest = {"dataFiles": listed, "submittedTime": "2026-01-01T00:00\ud800"}
    warehouse.write("focus/metadata/BILLING_PERIOD=2026-01/focus-Manifest.json", json.dumps(manifest))
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1"}


def test_daily_files_and_parts_are_added_up_as_before(warehouse: Warehouse) -> None:
    """Oracle's reports of a day, and files that split a day, are no deliveries of the same thing."""
    deliver(warehouse, "FOCUS Reports/2026/01/01/0001.csv", {"01": "1"})
    deliver(warehouse, "FOCUS Reports/2026/01/02/0001.csv", {"01": "0.5", "02": "2"})
    deliver(warehouse, "BILLING_PERIOD=2026-01/part=1/a.csv", {"03": "3"})
    deliver(warehouse, "BILLING_PERIOD=2026-01/part=2/a.csv", {"03": "4"})
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1.5", "02": "2", "03": "7"}


@pytest.mark.parametrize("deliveries", ["name", "time"])
def test_month_to_date_files_under_new_names_count_once_and_restated_months_are_right(
    warehouse: Warehouse, deliveries: str
) -> None:
    section = source(deliveries=deliveries)
    december = {"BillingPeriodStart": "2025-12-01T00:00:00Z"}
    row = {"ChargePeriodStart": "2025-12-31", "ChargePeriodEnd": "2026-01-01", "EffectiveCost": "5", **december}

    def write(day: str, costs: Mapping[str, str], *more: Mapping[str, str]) -> None:
        path = deliver(warehouse, f"acme-2026-01-{day}.csv", costs, at=int(day), BillingPeriodStart="2026-01-01")
        path.write_text(path.read_text() + focus_csv(*more, december).partition("\n")[2] if more else path.read_text())
        os.utime(path, (1_767_225_600 + int(day),) * 2)

    warehouse.write("acme-2026-01-01.csv", focus_csv(row))
    os.utime(warehouse.folder / "acme-2026-01-01.csv", (1_767_225_600,) * 2)
    deliver(warehouse, "other-2026-01-01.csv", {"01": "100"})
    write("02", {"01": "1"})
    warehouse.read(section)
    assert warehouse.days() == {"01": "101", "31": "5"}
    write("03", {"01": "1", "02": "2"})
    write("04", {"01": "1.5", "02": "2", "03": "3"})
    (aws,) = warehouse.read(section).sources
    assert (aws.superseded, warehouse.days()) == (2, {"01": "101.5", "02": "2", "03": "3", "31": "5"})
    # A restatement of the month before: its days are those of the newest delivery that holds it.
    deliver(warehouse, "acme-2026-01-05.csv", {"01": "7"}, at=5, **december)
    warehouse.read(section)
    assert warehouse.days() == {"01": "108.5", "02": "2", "03": "3"}
    # Without it all is as it was.
    (warehouse.folder / "acme-2026-01-05.csv").unlink()
    warehouse.read(section)
    assert warehouse.days() == {"01": "101.5", "02": "2", "03": "3", "31": "5"}


def test_folders_named_by_time_are_deliveries_where_the_section_says_so(warehouse: Warehouse) -> None:
    for day, cost in (("02", "1"), ("03", "2")):
        for part in ("a", "b"):
            deliver(warehouse, f"costs/2026-01-{day}/{part}.csv", {"01": cost}, ServiceName=part)
    warehouse.read(source("**/*.csv", deliveries="folder"))
    assert warehouse.days() == {"01": "4"}
    warehouse.read(source("**/*.csv", deliveries="all"))
    assert warehouse.days() == {"01": "6"}


@pytest.mark.parametrize(
    ("deliveries", "message"),
    [
        ("name", f"costs/z/c-{RUNS[0]}.csv: its name holds no date such as 2026-08-16"),
        ("folder", "costs/x: the name of its folder holds no date such as 2026-08-16"),
        ("manifest", "costs/x/a.csv: there is no manifest beside it or in the folder metadata"),
    ],
)
def test_deliveries_that_cannot_be_ordered_are_refused(warehouse: Warehouse, deliveries: str, message: str) -> None:
    deliver(warehouse, "costs/x/a.csv", {"01": "1"})
    deliver(warehouse, "costs/y/b.csv", {"01": "2"})
    if deliveries == "name":
        for run in RUNS:
            deliver(warehouse, f"costs/z/c-{run}.csv", {"01": run[0]})
    assert warehouse.refused(source("**/*.csv", deliveries=deliveries)).startswith(message)


def test_an_unchanged_file_counts_again_when_a_newer_delivery_is_gone(warehouse: Warehouse) -> None:
    newer, older = RUNS
    deliver(warehouse, f"{JANUARY}/{older}/part_0.csv", {"01": "1"}, at=1)
    path = deliver(warehouse, f"{JANUARY}/{newer}/part_0.csv", {"01": "2"}, at=2)
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "2"}
    path.unlink()
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1"}


def test_the_same_content_delivered_twice_is_no_copy_to_refuse(warehouse: Warehouse) -> None:
    for at, run in enumerate(RUNS):
        deliver(warehouse, f"{JANUARY}/{run}/part_0.csv", {"01": "1"}, at=at)
    warehouse.read(ALL)
    assert warehouse.days() == {"01": "1"}


def test_deliveries_in_an_object_store_follow_their_manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def read(section: Infrastructure, before: SourceFiles | None = None) -> SourceFiles:
        known = {"aws": {file.path: file for file in before.present}} if before else {}
        state = InfrastructureState()
        if before:
            state = InfrastructureState(files={"aws": before.facts}, manifests={"aws": before.manifests})
        # As it is kept between two readings.
        state = InfrastructureState.model_validate_json(state.model_dump_json())
        (files,) = read_sources([section], known, below(tmp_path), tmp_path / "spill", state)
        assert isinstance(files, SourceFiles), files
        return files

    with object_store() as store:
        for at, run in enumerate(RUNS):
            key = f"focus/data/BILLING_PERIOD=2026-01/{run}/focus-00001.csv"
            store.put(key, daily({"01": str(at + 1)}).encode())
            manifest = {"dataFiles": [f"s3://costs/{key}"], "submittedTime": f"2026-01-0{9 - at}T00:00:00Z"}
            store.put(f"focus/metadata/BILLING_PERIOD=2026-01/{run}/focus-Manifest.json", json.dumps(manifest).encode())
        section = source(store.address("focus/data/**/*.csv"))
        former = read(section)
        assert former.superseded == 1
        assert sorted(frame.get_column("cost").sum() for _, frame in former.read) == [0, 1]
        # The former delivery is not even fetched, and nothing is fetched twice.
        fetched = list(store.fetched)
        assert f"focus/data/BILLING_PERIOD=2026-01/{RUNS[1]}/focus-00001.csv" not in fetched
        again = read(section, former)
        assert (again.read, again.superseded, store.fetched) == ((), 1, fetched)


MONTHS = ("2025-11-01", "2025-12-01", "2026-01-01")
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.integers(1, 6), st.dictionaries(st.sampled_from(MONTHS), st.integers(1, 99), min_size=1)
        ),
        st.tuples(st.just("drop"), st.integers(1, 6), st.none()),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=12, deadline=None)
@given(steps=STEPS, crashes=st.sets(st.integers(0, 6)))
def test_after_any_deliveries_each_month_is_that_of_the_newest_file_that_holds_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, Any]], crashes: set[int]
) -> None:
    """Whatever comes, is replaced or removed, and wherever the memory of what was noticed is lost."""
    warehouse = Warehouse(tmp_path_factory.mktemp("deliveries"))
    section = source(deliveries="name")
    present: dict[int, dict[str, int]] = {}
    # One file stays and holds everything of old, so that nothing is rotated away.
    warehouse.write("old-20260101.csv", focus_csv({"ChargePeriodStart": "2025-01-01", "ChargePeriodEnd": ""}))
    for number, (step, day, months) in enumerate(steps):
        path = warehouse.folder / f"costs-2026010{day}.csv"
        if step == "put":
            present[day] = months
            rows = [
                {
                    "ChargePeriodStart": month,
                    "ChargePeriodEnd": "",
                    "EffectiveCost": str(cost),
                    "BillingPeriodStart": month,
                }
                for month, cost in months.items()
            ]
            path.write_text(focus_csv(*rows))
        else:
            present.pop(day, None)
            path.unlink(missing_ok=True)
        before = warehouse.state
        warehouse.try_to_read([section])
        if number in crashes:
            warehouse.state = before
        wanted = {month: cost for day in sorted(present) for month, cost in present[day].items()}
        costs = warehouse.connection.execute(
            "SELECT CAST(date AS VARCHAR), sum(cost_usd) FROM infrastructure_costs WHERE date > '2025-01-01' GROUP BY 1"
        ).fetchall()
        assert dict(costs) == wanted
    warehouse.connection.close()


def test_a_broken_newest_delivery_is_refused_and_the_former_one_stays(warehouse: Warehouse) -> None:
    newer, older = RUNS
    deliver(warehouse, f"{JANUARY}/{older}/part_0.csv", {"01": "1"}, at=1)
    warehouse.read(ALL)
    deliver(warehouse, f"{JANUARY}/{newer}/part_0.csv", {"01": "x"}, at=2)
    problem = warehouse.try_to_read([ALL]).problems[0]
    assert isinstance(problem.error, CircleciCostError)
    assert warehouse.days() == {"01": "1"}
