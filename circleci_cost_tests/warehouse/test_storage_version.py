"""The DuckDB file that a publication may have is of a storage version that older DuckDBs, as BI tools have them, read.

To try it with real older versions, name their interpreters (each with `duckdb` installed in an environment of its own):
`CIRCLECI_COST_OLDER_DUCKDB=/path/1.4/bin/python:/path/1.5/bin/python pytest` on this file.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.lake.layout import Lake, claim
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.publishing.generations import TABLES, Generation
from circleci_cost_tests.warehouse_tables import publish_tables

# Bytes 12 to 19 of a DuckDB file: 64 is v0.9 to v1.1, 65 v1.2, 66 v1.3, 67 v1.4 and v1.5.
STORAGE_OF_1_0 = 64
OLDER = [path for path in os.environ.get("CIRCLECI_COST_OLDER_DUCKDB", "").split(os.pathsep) if path]
READ_ALL = (
    "import duckdb, json, sys\n"
    "connection = duckdb.connect(sys.argv[1], read_only=True)\n"
    "tables = [name for name, in connection.execute('SHOW TABLES').fetchall()]\n"
    "print(json.dumps({name: len(connection.execute(f'FROM {name}').fetchall()) for name in tables}))\n"
)


@pytest.fixture
def generation(tmp_path: Path) -> Iterator[Generation]:
    lake = Lake(tmp_path / "data")
    claim(lake)
    now = datetime(2026, 1, 9, tzinfo=UTC)
    changes = pl.DataFrame(schema=restatements.SCHEMA)
    with duckdb.connect() as connection:
        make_tables(connection)
        row = ["acme", date(2026, 1, 1), 3, 2, 42, "e", now, now, True, True]
        connection.execute("INSERT INTO usage_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)
        yield publish_tables(connection, lake, changes, now, duckdb_file=True)


def test_the_published_file_is_of_the_oldest_storage_version(generation: Generation) -> None:
    header = generation.database.read_bytes()[:20]
    assert (header[8:12], int.from_bytes(header[12:20], "little")) == (b"DUCK", STORAGE_OF_1_0)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{generation.database}' AS published (READ_ONLY)")
        (tags,) = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'published'").fetchall()
    assert tags[0] == {"storage_version": "v1.0.0+"}


def test_the_published_tables_have_only_types_that_duckdb_1_4_knows(generation: Generation) -> None:
    with generation.connect() as connection:
        query = "SELECT DISTINCT split_part(data_type, '(', 1) FROM duckdb_columns() WHERE NOT internal"
        types = {name for (name,) in connection.execute(query).fetchall()}
    assert {name.removesuffix("[]") for name in types} <= {
        *("BIGINT", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "HUGEINT", "INTEGER", "TIMESTAMP", "VARCHAR"),
    }


@pytest.mark.skipif(not OLDER, reason="CIRCLECI_COST_OLDER_DUCKDB names no interpreter")
@pytest.mark.parametrize("python", OLDER)
def test_an_older_duckdb_reads_every_published_table(generation: Generation, python: str) -> None:
    command = [python, "-I", "-c", READ_ALL, str(generation.database)]
    counts = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    assert counts == {name: int(name == "usage_days") for name in TABLES}
