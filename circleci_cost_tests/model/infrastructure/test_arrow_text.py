"""Parquet columns are read by their values, whatever type a provider's writer chose for them."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from circleci_cost.errors import ExportDataError
from circleci_cost.model.infrastructure.cost_files import FileCosts, read_costs
from circleci_cost_tests.model.infrastructure.builders import source

DAY = date(2026, 8, 16)


def read(folder: Path, **columns: Any) -> FileCosts:
    """Read a file of one row or several equal ones, with `columns` in place of the defaults."""
    height = max((len(column) for column in columns.values()), default=1)
    default = {
        "ChargePeriodStart": pa.array(["2026-08-16"] * height),
        "EffectiveCost": pa.array(["1"] * height),
        "BillingCurrency": pa.array(["USD"] * height),
        "ProviderName": pa.array(["AWS"] * height),
        "ServiceName": pa.array(["EC2"] * height),
    }
    pq.write_table(pa.table(default | columns), folder / "costs.parquet")
    return read_costs(folder / "costs.parquet", source(tag="team" if "Tags" in columns else None), "costs.parquet")


def amount(file: FileCosts) -> Decimal:
    return sum(file.costs.get_column("cost"), Decimal(0))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([Decimal("0.3")], pa.decimal32(5, 2)),
        pa.array([Decimal("0.3")], pa.decimal64(12, 4)),
        pa.array([Decimal("0.3")], pa.decimal256(60, 30)),
        pa.array([Decimal("0.3")], pa.decimal128(38, 38)),
        pa.array([0.3, None], pa.float64()).dictionary_encode().slice(0, 1),
        pa.array(["0.3"], pa.string_view()),
        pa.array([b"0.3"], pa.binary()),
        pa.array([b"0.3"], pa.binary(3)),
        pa.array(["0.3"]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_an_amount_is_its_value_in_every_type(tmp_path: Path, values: Any) -> None:
    assert amount(read(tmp_path, EffectiveCost=values)) == Decimal("0.3")


@pytest.mark.parametrize(
    "values",
    [
        *(pa.array([1_786_921_200 * 1000**at], pa.timestamp(unit)) for at, unit in enumerate(("s", "ms", "us", "ns"))),
        *(pa.array([1_786_921_200], pa.timestamp("s", zone)) for zone in ("UTC", "+02:00", "America/New_York")),
        pa.array([1_786_921_200_123_456_789], pa.timestamp("ns", "Asia/Kolkata")),
        pa.array([DAY], pa.date32()),
        pa.array([DAY], pa.date64()),
        pa.array(["2026-08-16T23:00:00Z"]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_a_day_is_its_utc_day_in_every_type(tmp_path: Path, values: Any) -> None:
    assert read(tmp_path, ChargePeriodStart=values).first == DAY


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[("env", "x"), ("team", "web")]], pa.map_(pa.string(), pa.string())),
        pa.array([[{"key": "team", "value": "web"}]]),
        pa.array(
            [[{"Key": "team", "Value": "web"}]], pa.large_list(pa.struct({"Key": pa.string(), "Value": pa.string()}))
        ),
        pa.array([{"team": "web", "env": None}]),
        pa.array([[(b"env", b"x"), (b"team", b"web")]], pa.map_(pa.binary(), pa.binary())),
        pa.array([{"team": "web", "size": Decimal(1)}], pa.struct({"team": pa.string(), "size": pa.decimal256(60, 0)})),
        pa.array(['{"team": "web"}'], pa.large_string()),
        pa.array(['[{"key": "team", "value": "web"}]']),
        pa.array(['{"team": "web"}']).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_tags_are_read_from_every_container(tmp_path: Path, values: Any) -> None:
    file = read(tmp_path, Tags=values)
    assert (file.costs.get_column("tag_value").to_list(), file.facts.unread_tags) == (["web"], 0)


def test_a_tag_with_half_a_character_costs_no_money(tmp_path: Path) -> None:
    file = read(tmp_path, Tags=pa.array(['{"team": "web\\ud800"}']))
    assert (amount(file), file.costs.item(0, "tag_value")) == (Decimal(1), "web?")


@pytest.mark.parametrize(
    ("values", "account"),
    [
        (pa.array([123456789012.0, float("nan")]), "123456789012"),
        (pa.array([1.5, 2.5]), "1.5"),
        (pa.array([True, False]), "true"),
        (pa.array([{"id": "a"}, None]), '{"id":"a"}'),
        (pa.array([Decimal(7), None], pa.decimal128(20, 0)), "7"),
        (pa.array([7, None], pa.duration("s")), "7"),
        (pa.array([[(1, 2)], None], pa.map_(pa.int64(), pa.int64())), '{"1":2}'),
        (pa.array([[b"a"], None], pa.large_list(pa.binary())), '["a"]'),
    ],
)
def test_a_label_of_any_type_costs_no_money(tmp_path: Path, values: Any, account: str) -> None:
    file = read(tmp_path, SubAccountId=values)
    assert amount(file) == 2
    assert account in file.costs.get_column("sub_account")


@pytest.mark.parametrize(
    "kind", [pa.null(), pa.bool_(), pa.float16(), pa.list_(pa.int8()), pa.dictionary(pa.int8(), pa.string())]
)
def test_a_column_without_values_may_have_any_type(tmp_path: Path, kind: Any) -> None:
    empty = pa.nulls(1, kind)
    file = read(tmp_path, ChargePeriodEnd=empty, BilledCost=empty, SubAccountName=empty, Tags=empty, ServiceName=empty)
    assert (amount(file), file.costs.item(0, "service")) == (Decimal(1), "(none)")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("EffectiveCost", pa.array([1.5], pa.float16()), "its type is halffloat, which does not fit"),
        ("EffectiveCost", pa.array([True]), "its type is bool, which does not fit"),
        ("ChargePeriodStart", pa.array([46250]), "its type is int64, which does not fit"),
        ("ChargePeriodStart", pa.array(["46250"]), "'46250' is no time"),
        ("ChargePeriodStart", pa.array(["16.08.2026"]), "'16.08.2026' is no time"),
        ("EffectiveCost", pa.array([Decimal(10) ** 30], pa.decimal256(60, 2)), "is no amount"),
        ("ServiceName", pa.array([b"\xff"], pa.binary()), "Invalid UTF8"),
        ("ServiceName", pa.array([[b"\xff"]]), "Invalid UTF8"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused(tmp_path: Path, column: str, values: Any, message: str) -> None:
    with pytest.raises(ExportDataError, match=message):
        read(tmp_path, **{column: values})


def test_doubles_are_the_shortest_decimal_that_reads_back(tmp_path: Path) -> None:
    values = pa.array([0.1, 1e-7, 123456.789])
    file = read(tmp_path, EffectiveCost=values, ServiceName=pa.array(["a", "b", "c"]))
    by_service = dict(file.costs.select("service", pl.col("cost")).rows())
    assert by_service == {"a": Decimal("0.1"), "b": Decimal("0.0000001"), "c": Decimal("123456.789")}
