"""`import`: northwind's sample end to end, the same files again, damaged ones, and days that do not fit."""

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from circleci_cost_tests.cli.harness import NORTHWIND, SAMPLE, Caller, copied

TOTAL = {"cost": "196.533000", "credits": "327555", "runs": 685, "run_seconds": 276_192}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def imported(call: Caller, northwind: Path) -> Caller:
    copied(northwind, call.folder)
    return call


@pytest.fixture
def empty(call: Caller) -> Caller:
    call.configure(NORTHWIND.read_text())
    return call


def landed(call: Caller) -> list[Path]:
    return [path for path in (call.folder / "data").rglob("*") if path.is_file() and path.name != "format.json"]


def test_the_sample_is_imported_priced_and_published(imported: Caller) -> None:
    assert (imported.folder / "said.txt").read_text() == (
        "Imported usage_export_part_unquoted.csv.gz (841 jobs, 327,555 credits, 2024-11-10 to 2024-11-14) "
        "into northwind.\n"
        "northwind, 2024-11-10 to 2024-11-14: 841 jobs · 685 runs · 327,555 credits · $196.533000\n"
    )
    output = imported("report", "--json")
    assert (output.code, output.err, json.loads(output.out)["total"]) == (0, "", TOTAL)


def test_the_sums_by_organization_project_workflow_and_job_agree(imported: Caller) -> None:
    for dimension in ("organization", "project", "workflow", "job", "organization,project,workflow,job"):
        assert json.loads(imported("report", "--by", dimension, "--json").out)["total"] == TOTAL
    rows = json.loads(imported("report", "--by", "organization", "--json").out)["rows"]
    assert [(row["organization"], row["cost"]) for row in rows] == [
        ("northwind", "187.855200"),
        ("northwind-data", "8.307600"),
        ("northwind-cloud", "0.370200"),
    ]


def test_the_same_file_again_changes_nothing(imported: Caller) -> None:
    before = contents(imported.folder)
    output = imported("import", SAMPLE, "--cost-center", "northwind")
    assert output.code == 0
    assert output.out == (
        "Already imported: nothing changed.\n"
        "northwind, 2024-11-10 to 2024-11-14: 841 jobs · 685 runs · 327,555 credits · $196.533000\n"
    )
    assert contents(imported.folder) == before


def test_f030_one_flipped_bit_is_refused_and_nothing_lands(empty: Caller) -> None:
    damaged = bytearray(SAMPLE.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file = empty.folder / "damaged.csv.gz"
    file.write_bytes(damaged)
    output = empty("import", file, "--cost-center", "northwind")
    assert (output.code, output.out) == (1, "")
    assert "damaged.csv.gz" in output.err
    assert len(output.err.splitlines()) == 1
    assert landed(empty) == []


def _without_a_header(text: str) -> str:
    return text.partition("\n")[2]


def _credits_that_are_no_number(text: str) -> str:
    lines = text.splitlines(keepends=True)
    lines[2] = lines[2].rsplit(",", 1)[0] + ",many\n"
    return "".join(lines)


def _another_organization(text: str) -> str:
    return text.replace("2f280975-2716-4d08-a258-122a51c32c03", "00000000-0000-4000-8000-000000000000")


def _today(text: str) -> str:
    return text.replace("2024-11-14", f"{datetime.now(UTC):%Y-%m-%d}")


def _before_the_history(text: str) -> str:
    return text.replace("2024-11-10", "2024-10-31")


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (_without_a_header, 1, "changed.csv, line 1: "),
        (
            _credits_that_are_no_number,
            1,
            "changed.csv, line 3, column TOTAL_CREDITS: 'many' is not a number of credits",
        ),
        (_another_organization, 3, "does not name: 00000000-0000-4000-8000-000000000000"),
        (_today, 2, "a day that is not over in UTC"),
        (_before_the_history, 2, "Set history_start = 2024-10-31 there, then import them again."),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_lands(
    empty: Caller, change: Callable[[str], str], code: int, sentence: str
) -> None:
    file = empty.folder / "changed.csv"
    file.write_text(change(gzip.decompress(SAMPLE.read_bytes()).decode()))
    output = empty("import", SAMPLE, file, "--cost-center", "northwind")
    assert (output.code, output.out) == (code, "")
    assert sentence in output.err
    assert landed(empty) == []


def test_a_file_that_is_not_there_or_holds_no_jobs_is_refused(empty: Caller) -> None:
    output = empty("import", "missing.csv", "--cost-center", "northwind")
    assert (output.code, output.err) == (2, "Error: missing.csv is not a file; nothing was imported.\n")
    header = gzip.decompress(SAMPLE.read_bytes()).partition(b"\n")[0] + b"\n"
    (empty.folder / "header.csv").write_bytes(header)
    output = empty("import", "header.csv", "--cost-center", "northwind")
    assert (output.code, output.err) == (2, "Error: The files hold no jobs, only headers; nothing was imported.\n")


def test_an_unknown_cost_center_is_answered_with_the_nearest(empty: Caller) -> None:
    output = empty("import", SAMPLE, "--cost-center", "northwynd")
    assert output.code == 3
    assert "did you mean 'northwind'?" in output.err


STRANGER = "00000000-0000-4000-8000-000000000000"


def test_an_unknown_organization_is_counted_and_named_where_the_configuration_says_report(empty: Caller) -> None:
    empty.configure(NORTHWIND.read_text().replace('slug = "gh', 'unknown_organizations = "report"\nslug = "gh'))
    file = empty.folder / "changed.csv"
    file.write_text(_another_organization(gzip.decompress(SAMPLE.read_bytes()).decode()))
    output = empty("import", file, "--cost-center", "northwind")
    assert output.code == 0, output.err
    assert "841 jobs · 685 runs · 327,555 credits · $196.533000" in output.out
    named = f"northwind counts 109 jobs with 617 credits of organization {STRANGER} (northwind-cloud), which the "
    assert f"{named}configuration does not name" in output.err
    rows = json.loads(empty("report", "--by", "organization", "--json").out)
    assert rows["total"] == TOTAL
    assert [row["organization"] for row in rows["rows"]] == ["northwind", "northwind-data", "northwind-cloud"]


def test_two_joined_exports_are_imported_as_what_they_hold(empty: Caller) -> None:
    text = gzip.decompress(SAMPLE.read_bytes())
    header, _, rows = text.partition(b"\n")
    lines = rows.splitlines(keepends=True)
    file = empty.folder / "joined.csv.gz"
    halves = (b"".join([header + b"\n", *lines[:400]]), b"".join([header + b"\n", *lines[400:]]))
    file.write_bytes(b"".join(gzip.compress(half) for half in halves))
    output = empty("import", file, "--cost-center", "northwind")
    assert (output.code, output.err.count("Error")) == (0, 0), output.err
    assert "841 jobs · 685 runs · 327,555 credits · $196.533000" in output.out


def test_an_import_that_was_cut_off_before_it_was_published_is_finished(imported: Caller) -> None:
    """An import that landed and was killed before it was published must not be called done."""
    shutil.rmtree(imported.folder / "data" / "published")
    output = imported("import", SAMPLE, "--cost-center", "northwind")
    assert output.code == 0
    assert output.out.startswith("Imported usage_export_part_unquoted.csv.gz")
    assert json.loads(imported("report", "--json").out)["total"] == TOTAL
