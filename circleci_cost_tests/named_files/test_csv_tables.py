"""Mistakes in the files that virtual tags name: one sentence each, with file, line and what to do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.allocation.plan import Lookup
from circleci_cost.model.allocation.planning import prepare

BY_FILE = {"value": "shared", "method": "telemetry"}


def refused(folder: Path, **tag: Any) -> str:
    """The sentence about a tag, without the folder's name."""
    with pytest.raises(ConfigurationError) as error:
        prepare([VirtualTag.model_validate({"name": "team", **tag})], lambda file: folder / file)
    return str(error.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "teams.csv is empty; its first line names the columns: value."),
        (b"project\nweb\n", "teams.csv, line 1: the column 'value' is missing; add it."),
        (b"project,project,value\n", "teams.csv, line 1: the column 'project' is there twice; leave one of them out."),
        (
            b"project,value\n\nweb,red\nweb,red,blue\n",
            "teams.csv, line 4: 3 cells where the first line names 2; add the missing commas, or put quotes around a "
            "value that holds one.",
        ),
        (b"project,value\nweb, \n", "teams.csv, line 2: value is empty; write a value."),
        (
            b"project,value,from\nweb,red,2026-02-30\n",
            "teams.csv, line 2: from = 2026-02-30: write a day as YYYY-MM-DD, such as 2026-01-31.",
        ),
        (
            b"project,value,from,until\nweb,red,2026-02-02,2026-02-01\n",
            "teams.csv, line 2: until lies before from; exchange them.",
        ),
        (b'project,value\nweb,"red\n', "teams.csv, line 2: unexpected end of data; correct that line."),
        (b"project,value\nweb,r\xff\n", "teams.csv is not UTF-8 text (byte 19); save it as UTF-8."),
    ],
)
def test_a_mapping_file_with_a_mistake_is_named_by_file_and_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "teams.csv").write_bytes(content)
    assert refused(tmp_path, mappings=[{"file": "teams.csv"}]) == sentence


def test_an_unknown_column_is_named_with_the_nearest_or_with_all(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("projekt,value\nweb,red\n")
    sentence = refused(tmp_path, mappings=[{"file": "teams.csv"}])
    assert sentence == "teams.csv, line 1: 'projekt' is no column of such a file; did you mean 'project'?"
    (tmp_path / "teams.csv").write_text("zzz,value\nweb,red\n")
    sentence = refused(tmp_path, mappings=[{"file": "teams.csv"}])
    assert sentence.startswith("teams.csv, line 1: 'zzz' is no column of such a file; there are: cost_center, organiz")
    assert sentence.endswith("organization_id, project_id, value, from, until.")


def test_a_missing_file_is_named_with_the_reason(tmp_path: Path) -> None:
    assert refused(tmp_path, codeowners=[{"file": "CODEOWNERS", "project": "web"}]) == (
        "CODEOWNERS cannot be read (No such file or directory); correct the path in the configuration, or give this "
        "user read access."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            '[[rules]]\nvalue = "red"\nwhere = { projekt = "web" }\n',
            "teams.toml, line 3: 'projekt' is neither a dimension nor a virtual tag; did you mean 'project'?",
        ),
        (
            '[[rules]]\nvalue = "red"\nwehre = { project = "web" }\n',
            "teams.toml, line 3: unknown key 'rules[0].wehre'; did you mean 'where'?",
        ),
        (
            '[[rules]]\nname = "x"\n',
            "teams.toml, line 1: rules[0]: write either value (the tag's value) or value_of (the",
        ),
        ("# nothing yet\n", "teams.toml has no rules; write them as [[rules]] with value and where."),
        ("[[rules]\n", "teams.toml is not valid TOML: "),
    ],
)
def test_a_toml_mapping_with_a_mistake_is_named_by_file_and_line(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "teams.toml").write_text(content)
    assert refused(tmp_path, mappings=[{"file": "teams.toml"}]).startswith(sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("date,key\n", "usage.csv, line 1: the column 'amount' is missing; add it."),
        ("date,key,amount\n", "usage.csv has no lines; write date, key and amount, or choose another method."),
        ("date,key,amount\n2026-01-01,,1\n", "usage.csv, line 2: key is empty; write a value."),
        (
            "date,key,amount\n1.1.2026,web,1\n",
            "usage.csv, line 2: date = 1.1.2026: write a day as YYYY-MM-DD, such as 2026-01-31.",
        ),
        *(
            (
                f"date,key,amount\n2026-01-01,web,1\n2026-01-01,api,{amount}\n",
                f"usage.csv, line 3: amount = {amount}: write a number that is not negative, with at most 15 digits "
                "before and 9 behind the point.",
            )
            for amount in ("-1", "1e3", "NaN", "0.0000000001", "1000000000000000", '"1,5"'.strip('"').replace(",", "_"))
        ),
    ],
)
def test_a_telemetry_file_with_a_mistake_is_named_by_file_and_line(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "usage.csv").write_text(content)
    assert refused(tmp_path, splits=[{**BY_FILE, "file": "usage.csv"}]) == sentence


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"date": [datetime(2026, 1, 1, 5, tzinfo=UTC)], "key": ["web"], "amount": [1]},
            "usage.parquet: date is of the type ",
        ),
        ({"date": ["2026-01-01"], "key": ["web"], "amount": [0.1]}, "usage.parquet: amount is of the type Float64"),
        (
            {"date": ["2026-01-01"], "key": ["web"], "amount": [-1]},
            "usage.parquet, line 1: amount = -1: write a number",
        ),
        ({"date": ["2026-01-01"], "key": ["web"]}, "usage.parquet has no column 'amount'; there are: date, key."),
    ],
)
def test_a_parquet_file_that_is_not_exact_is_refused(tmp_path: Path, columns: dict[str, Any], sentence: str) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "usage.parquet")
    assert refused(tmp_path, splits=[{**BY_FILE, "file": "usage.parquet"}]).startswith(sentence)


def test_a_file_that_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "usage.parquet").write_text("date,key,amount\n")
    sentence = refused(tmp_path, splits=[{**BY_FILE, "file": "usage.parquet"}])
    assert sentence.startswith("usage.parquet is no readable Parquet file (")


def test_quotes_spaces_and_a_byte_order_mark_are_read_as_they_are_meant(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_bytes('﻿project , value\r\n"web, shop", red \r\n'.encode())
    tag = VirtualTag.model_validate({"name": "team", "mappings": [{"file": "teams.csv"}]})
    (planned,) = prepare([tag], lambda file: tmp_path / file).tags
    (lookup,) = planned.stages
    assert isinstance(lookup, Lookup)
    assert lookup.rows.select("project", "value", "rule").rows() == [("web, shop", "red", "teams.csv line 2")]
