"""The FOCUS files below the data directory: a month is written again when its data change, and only then."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.focus.kept_months import KeptMonths, keep_months
from circleci_cost_tests.warehouse.allocation.builders import fill
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

_ROWS = [{"date": date(2026, month, 3), "compute": 10 * month, "dlc": 200} for month in (9, 10, 11)]
_PAYERS = {"acme": "id of acme"}


def published(lake: Lake, rows: list[dict[str, Any]], price_from: date = date(2026, 1, 1)) -> None:
    """Publish these daily costs and no others."""
    with tables_to_publish(lake) as connection:
        fill(connection, [])
        for table in ("daily_costs", "usage_days", "pricing_periods"):
            connection.execute(f"DELETE FROM {table}")
        fill(connection, rows)
        connection.execute("INSERT INTO pricing_periods VALUES ('acme', 0.0006, $since, NULL)", {"since": price_from})
        connection.execute(
            "INSERT INTO usage_days SELECT DISTINCT cost_center, date, 0, 0, 0, 'e', TIMESTAMP '2026-01-01', "
            "TIMESTAMP '2026-01-01', true, true, NULL, NULL FROM daily_costs"
        )
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))


def kept(lake: Lake, payers: Mapping[str, str] = _PAYERS) -> KeptMonths:
    result = keep_months(lake, payers)
    files = {path.name for path in lake.focus.glob("*.parquet")}
    assert files == {f"focus-{month}.parquet" for month in (*result.written, *result.unchanged)}
    return result


def test_another_process_finds_the_same_months_unchanged(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    published(lake, _ROWS)
    first = kept(lake)
    again = (
        "import sys\nfrom pathlib import Path\nfrom circleci_cost.lake.layout import open_lake\n"
        "from circleci_cost.warehouse.focus.kept_months import keep_months\n"
        f"kept = keep_months(open_lake(Path(sys.argv[1])), {_PAYERS!r})\nprint(kept.written, kept.unchanged)"
    )
    # Sets of texts have another order with another seed.
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", again, str(lake.root)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == f"() {first.written}"


def test_only_months_whose_data_changed_are_written_again_and_with_the_same_bytes(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    published(lake, _ROWS)
    first = kept(lake)
    assert (first.written, first.unchanged, first.rows) == (("2026-09", "2026-10", "2026-11"), (), 6)
    assert first.cost_usd == Decimal("0.0006") * (300 + 600)
    before = {path.name: (path.read_bytes(), path.stat().st_ino) for path in lake.focus.iterdir()}
    published(lake, list(reversed(_ROWS)))
    again = kept(lake)
    assert (again.written, again.rows, again.cost_usd) == ((), 0, Decimal(0))
    restated = [*_ROWS[:1], {**_ROWS[1], "compute": 21}, *_ROWS[2:]]
    published(lake, restated)
    assert kept(lake).written == ("2026-10",)
    (lake.focus / "focus-2026-09.parquet").write_bytes(b"damaged")
    assert kept(lake).written == ("2026-09",)
    (lake.focus / "focus-2026-11.parquet").unlink()
    assert kept(lake).written == ("2026-11",)
    after = {path.name: path.read_bytes() for path in lake.focus.iterdir()}
    assert {name for name, (content, _) in before.items() if after[name] != content} == {"focus-2026-10.parquet"}
    assert (lake.focus / "focus_metadata.json").exists()


def test_a_price_period_or_a_payer_that_changed_writes_all_and_a_month_that_is_gone_is_removed(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    published(lake, _ROWS)
    kept(lake)
    published(lake, _ROWS, price_from=date(2026, 2, 1))
    assert len(kept(lake).written) == 3
    assert len(kept(lake, {"acme": "id of another"}).written) == 3
    published(lake, _ROWS[1:], price_from=date(2026, 2, 1))
    result = kept(lake, {"acme": "id of another"})
    assert (result.written, result.removed) == ((), ("focus-2026-09.parquet",))


def test_a_payer_whose_name_is_known_from_another_month_has_it_in_all_months(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    rows = [{**row, "organization": "shared"} for row in _ROWS[:1]]
    for more in ([], [{**_ROWS[1], "organization": "payer"}]):
        published(lake, rows + more)
        kept(lake, {"acme": "id of payer"})
    names = duckdb.execute(f"SELECT DISTINCT \"BillingAccountName\" FROM '{lake.focus}/*.parquet'").fetchall()
    assert names == [("payer",)]


def test_without_any_day_the_folder_has_no_month(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    published(lake, [])
    assert (kept(lake).written, kept(lake).unchanged) == ((), ())
