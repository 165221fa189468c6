"""What `operate.md` says works: other engines read the tables by its examples, and a copy made its way is whole."""

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.inspection.inspection import inspect
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.docs.documents import GUIDES, Document
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_OPERATE = Document(GUIDES / "operate.md")
_ROWS = [
    {"date": date(2026, 1, 31), "project": "web", "compute": 1000},
    {"date": date(2026, 2, 1), "project": "web", "compute": 500},
    {"date": date(2026, 2, 1), "project": "api", "compute": 10},
]
_COSTS = {"web": Decimal("0.9"), "api": Decimal("0.006")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a published data directory, costs of two months; the current one."""
    (tmp_path / "circleci_cost.toml").write_text(configuration())
    publish_rows(tmp_path / "data", _ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def examples(language: str) -> list[str]:
    """The examples in a language of the guide that read `current.json`."""
    return [fence.code for fence in _OPERATE.fences if fence.language == language and "current.json" in fence.code]


def test_duckdb_reads_the_tables_by_the_example(folder: Path) -> None:
    assert folder == Path.cwd()
    (example,) = examples("sql")
    with duckdb.connect() as connection:
        rows = connection.execute(example).fetchall()
    assert rows == list(_COSTS.items())


def test_polars_and_pyarrow_read_the_tables_by_the_examples(folder: Path) -> None:
    assert folder == Path.cwd()
    polars, pyarrow = (_run(example) for example in examples("python"))
    assert dict(polars["costs"].iter_rows()) == _COSTS
    assert {row["project"]: row["cost_usd_sum"] for row in pyarrow["frame"].to_pylist()} == _COSTS


def _run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(example, names)
    return names


def backup_steps(data: Path, target: Path) -> list[str]:
    """The commands of the guide that copy a data directory in which runs are at work, one by one."""
    (code,) = (fence.code for fence in _OPERATE.fences if "--parents" in fence.code)
    code = code.replace("/var/lib/ci-cost/data", str(data)).replace("/backup/data", str(target))
    first, *steps = code.replace("\\\n", "").splitlines()
    return [first, *(f"cd {data} && {step}" for step in steps)]


def copy_while_writing(folder: Path, steps: list[str], target: Path) -> Iterator[str]:
    """Copy step by step; before and after each, a run writes both months anew, publishes, and tidies up."""
    lake = Lake(folder / "data")
    for folder_of_lake in ("job_runs", "restatements", "exports"):
        (lake.root / folder_of_lake).mkdir(exist_ok=True)
    for step, number in zip([*steps, ""], count(1), strict=False):
        with tables_to_publish(lake) as connection:
            connection.execute("UPDATE daily_costs SET jobs = jobs + $number", {"number": number})
            publish_tables(connection, lake)
        if step:
            subprocess.run(["sh", "-ec", step], check=True, capture_output=True)
    settings = read_settings(folder / "circleci_cost.toml", ManualClock(NOW))
    settings = settings.model_copy(update={"data_dir": target})
    for finding in inspect(settings, Lake(target), NOW).findings:
        if finding.subject in {"tables", "published", "exports"}:
            yield f"{finding.where}: {finding.what}"


def test_a_copy_made_as_the_guide_says_is_whole_while_runs_write(folder: Path) -> None:
    target = folder / "backup"
    assert list(copy_while_writing(folder, backup_steps(folder / "data", target), target)) == []
    assert re.search(r"\.parquet", " ".join(path.name for path in target.rglob("*")))


def test_a_copy_in_the_other_order_lacks_files_that_its_manifests_list(folder: Path) -> None:
    target = folder / "backup"
    first, *others = backup_steps(folder / "data", target)
    found = list(copy_while_writing(folder, [first, *reversed(others)], target))
    assert any("it is missing" in sentence for sentence in found)
