"""What `check` says of the sources of infrastructure costs: each file's beginning is read."""

import gzip
import os
from pathlib import Path

import pytest

from circleci_cost.cli.findings import Finding
from circleci_cost.cli.infrastructure_findings import infrastructure_findings
from circleci_cost_tests.cli.harness import DATA
from circleci_cost_tests.lake.object_store import object_store
from circleci_cost_tests.model.infrastructure.builders import below, daily, focus_csv, source


def test_each_source_has_a_finding(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(daily({"01": "1"}))
    (tmp_path / "saas.txt").write_text("date,amount,label\n2026-01-01,7,seats\n")
    (tmp_path / "rates.txt").write_text("date,currency\n")
    sources = [
        source(),
        source("saas.txt", name="saas", format="simple"),
        source("*.gz", name="gone"),
        source(name="rated", rates="rates.txt"),
        source("s3://bucket/a.csv", name="store"),
    ]
    check_findings = list(infrastructure_findings(sources, below(tmp_path), offline=True))
    assert check_findings == [
        Finding("infrastructure", "ok", "aws: 2 files"),
        Finding("infrastructure", "ok", "saas: 1 file"),
        Finding(
            "infrastructure",
            "error",
            f"gone: No file fits {tmp_path}/*.gz; correct the files of [[infrastructure]], or wait for one.",
            3,
        ),
        Finding(
            "infrastructure",
            "error",
            f"rated: {tmp_path}/rates.txt, line 1: the column 'usd_per_unit' is missing; add it.",
            3,
        ),
        Finding("infrastructure", "ok", "store: in an object store, not looked at"),
    ]


def test_every_file_that_cannot_be_read_has_a_finding_before_anything_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(daily({"01": "1"}))
    (tmp_path / "b.csv").write_text(daily({"01": "x"}))
    # Its first rows are all that is looked at.
    row = daily({"01": "1"}, Note="x" * 4000).splitlines()
    long = "\n".join((row[0], *row[1:] * 9000))
    (tmp_path / "c.csv").write_bytes(gzip.compress((long + "\nbroken\n").encode(), 1))
    (tmp_path / "d.csv").write_text("<html>")
    check_findings = list(infrastructure_findings([source()], below(tmp_path)))
    assert [(finding.state, finding.exit_code) for finding in check_findings] == [("error", 1), ("error", 1)]
    assert [
        finding.sentence.replace(f"{tmp_path}/", "").partition(":")[2].partition(":")[0] for finding in check_findings
    ] == [
        " b.csv, line 2, column EffectiveCost",
        " d.csv, line 1",
    ]


def test_effective_costs_that_are_all_zero_and_former_deliveries_are_told(tmp_path: Path) -> None:
    for at, run in enumerate(("0a1b2c3d-0000-4000-8000-00000000000f", "ffffffff-0000-4000-8000-000000000001")):
        path = tmp_path / "20260101-20260131" / run / "part_0.csv"
        path.parent.mkdir(parents=True)
        path.write_text(focus_csv({"EffectiveCost": "0", "BilledCost": "5"}))
        os.utime(path, (at, at))
    remark, counted = infrastructure_findings([source("**/*.csv")], below(tmp_path))
    assert (remark.state, remark.sentence.partition(";")[0]) == (
        "warning",
        "aws: EffectiveCost is 0 in all rows, BilledCost is not in 1 of them",
    )
    assert counted == Finding("infrastructure", "ok", "aws: 1 file, 1 of former deliveries")


def test_the_beginning_of_an_object_is_read_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with object_store() as store:
        store.put("a.csv", daily({"01": "1"}).encode())
        store.put("b.csv", daily({"01": "x"}).encode())
        store.put("c.csv", gzip.compress(daily({"01": "1"}).encode()))
        store.put("d.csv", (DATA / "focus" / "arrow_null_type.parquet").read_bytes())
        (finding,) = infrastructure_findings([source(store.address("*.csv"))], below(tmp_path))
    assert finding.state == "error"
    assert finding.sentence.startswith("aws: s3://costs/b.csv, line 2, column EffectiveCost: 'x' is no amount;")
    assert list(tmp_path.iterdir()) == []
