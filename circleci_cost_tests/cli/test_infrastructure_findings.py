"""What `check` says of the sources of infrastructure costs."""

from pathlib import Path

from circleci_cost.cli.findings import Finding
from circleci_cost.cli.infrastructure_findings import infrastructure_findings
from circleci_cost_tests.infrastructure_builders import below, source


def test_each_source_has_a_finding(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "saas.txt"):
        (tmp_path / name).write_text("not read\n")
    (tmp_path / "rates.txt").write_text("date,currency\n")
    sources = [
        source(),
        source("saas.txt", name="saas", format="simple"),
        source("*.gz", name="gone"),
        source(name="rated", rates="rates.txt"),
        source("s3://bucket/a.csv", name="store"),
    ]
    found = list(infrastructure_findings(sources, below(tmp_path), offline=True))
    assert found == [
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
