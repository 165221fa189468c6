"""The guide `tables` documents what is published: every table and column, in order, with its type."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.lake.days import JobRunsDay, write_day
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.schema import FILE_SCHEMA
from circleci_cost_tests.docs.documents import GUIDES
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

_ROW = re.compile(r"^\| `(?P<column>\w+)` \| `(?P<type>[^`]+)` \| (?P<meaning>.+) \|$", re.MULTILINE)
_GUIDE = (GUIDES / "tables.md").read_text("utf-8")


def documented() -> dict[str, str]:
    """The sections of the guide that are about a table, by its name."""
    sections = re.split(r"^## (\w+)$", _GUIDE, flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """The columns and types of each table of a generation in which there are no rows."""
    lake = open_lake(tmp_path_factory.mktemp("published"))
    with tables_to_publish(lake) as connection:
        generation = publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
    query = (
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "ORDER BY table_name, ordinal_position"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    with generation.connect() as connection:
        for table, column, kind in connection.execute(query).fetchall():
            found.setdefault(table, []).append((column, kind))
    return found


def test_every_published_table_is_documented_and_no_other(published: dict[str, list[tuple[str, str]]]) -> None:
    assert set(documented()) == set(published)


def test_every_column_is_documented_in_order_and_with_its_type(published: dict[str, list[tuple[str, str]]]) -> None:
    written = {
        table: [(row["column"], row["type"]) for row in _ROW.finditer(section)]
        for table, section in documented().items()
    }
    assert written == published


def test_every_column_of_a_file_of_job_runs_is_documented_with_its_type(tmp_path: Path) -> None:
    lake, day = open_lake(tmp_path), date(2026, 10, 1)
    write_day(lake, JobRunsDay("acme", day, pl.DataFrame(schema=FILE_SCHEMA), {"export": datetime.now(UTC)}))
    file = str(lake.job_runs_file("acme", day))
    columns = duckdb.execute("DESCRIBE FROM read_parquet($file, hive_partitioning = false)", {"file": file}).fetchall()
    introduction = _GUIDE.partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| `([^`]+)` \|", introduction, re.MULTILINE)
    documented_types = {name: kind for names, kind in rows for name in re.findall(r"\w+", names)}
    assert documented_types == {name: kind for name, kind, *_ in columns}


def test_every_table_states_its_grain_and_which_sums_are_right() -> None:
    for table, section in documented().items():
        paragraphs = section.strip().split("\n\n")
        assert paragraphs[0].startswith("One row per "), table
        assert paragraphs[1].startswith("Sums: "), table


def test_a_column_of_money_credits_or_time_states_its_unit() -> None:
    for table, section in documented().items():
        for row in _ROW.finditer(section):
            meaning = row["meaning"]
            if row["column"].endswith("_usd"):
                assert "USD" in meaning, (table, row["column"])
            elif row["column"] == "credits" or row["column"].endswith("_credits"):
                assert "credits" in meaning or "as in" in meaning, (table, row["column"])
            elif row["type"] == "TIMESTAMP":
                assert "UTC" in meaning, (table, row["column"])
