"""Every DuckDB that the package opens runs the code it came with, and nothing else."""

import re
from pathlib import Path

import duckdb
import pytest

import circleci_cost
from circleci_cost.database import connect, spill_into
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.lake.layout import open_lake
from circleci_cost.warehouse.tables.sessions import TableStore

_SETTINGS = """
SELECT name, value FROM duckdb_settings()
WHERE name IN ('autoinstall_known_extensions', 'autoload_known_extensions') ORDER BY name
"""
_OFF = [("autoinstall_known_extensions", "false"), ("autoload_known_extensions", "false")]


def test_no_database_of_ours_loads_or_fetches_an_extension_by_itself(tmp_path: Path) -> None:
    with connect() as connection:
        assert connection.execute(_SETTINGS).fetchall() == _OFF
        with pytest.raises(duckdb.Error):
            connection.execute("FROM 'https://127.0.0.1:9/a.parquet'")
    with connect(tmp_path / "a.duckdb", config={"autoload_known_extensions": True}) as connection:
        assert connection.execute(_SETTINGS).fetchall() == _OFF
    with connect(tmp_path / "a.duckdb", read_only=True) as connection:
        assert connection.execute(_SETTINGS).fetchall() == _OFF
    with warehouse_resource(open_lake(tmp_path / "data")).get_connection() as connection:
        assert connection.execute(_SETTINGS).fetchall() == _OFF


def test_one_module_opens_all_databases() -> None:
    """So the settings hold in each of them; `duckdb.sql` and its like would open one of their own."""
    package = Path(circleci_cost.__file__).parent
    opening = re.compile(r"\bduckdb\.(connect|sql|execute|query|default_connection)\b")
    opened = [path.relative_to(package) for path in package.rglob("*.py") if opening.search(path.read_text("utf-8"))]
    assert opened == [Path("database.py")]


def test_what_does_not_fit_into_memory_goes_to_the_named_folder_and_not_beside_the_database(tmp_path: Path) -> None:
    with connect(tmp_path / "a.duckdb"):
        pass
    (tmp_path / "o'spill").mkdir()
    with connect(tmp_path / "a.duckdb", read_only=True) as connection:
        spill_into(connection, tmp_path / "o'spill")
        connection.execute("SET memory_limit = '12MB'")
        connection.execute(
            "CREATE TEMPORARY TABLE names AS SELECT md5(CAST(i AS VARCHAR)) AS name FROM range(500000) AS t(i)"
        )
        assert list((tmp_path / "o'spill").iterdir())
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.duckdb", "o'spill"]


def test_a_machine_that_has_never_read_an_export_can_price_what_does_not_fit_into_memory(tmp_path: Path) -> None:
    """DuckDB makes the last folder of the path alone: another process had made those above it by chance, or not."""
    lake = open_lake(tmp_path / "data")
    with TableStore(lake, config={"memory_limit": "12MB"}).reading() as opened:
        opened.connection.execute(
            "CREATE TEMPORARY TABLE names AS SELECT md5(CAST(i AS VARCHAR)) AS name FROM range(500000) AS t(i)"
        )
        assert any(path.is_file() for path in lake.spill.glob("*/*"))
