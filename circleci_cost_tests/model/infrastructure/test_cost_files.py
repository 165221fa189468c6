"""Reading FOCUS and simple files: exact amounts, UTC days, and each fault as one sentence with its place."""

import gzip
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.errors import ExportDataError
from circleci_cost.model.infrastructure.cost_files import FileCosts, read_costs, reading_hash
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost_tests.model.infrastructure.builders import DEFAULTS, HEADER, focus_csv, source

NEW_YEAR = date(2026, 1, 1)
UNUSED = " Nothing of this file was used."
FEBRUARY = {"ChargePeriodEnd": "2026-02-01T00:00:00Z"}


def read(folder: Path, content: str | bytes, section: Infrastructure | None = None) -> FileCosts:
    path = folder / "costs"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_costs(path, section or source(), "costs.csv")


def refusal(folder: Path, content: str | bytes, section: Infrastructure | None = None) -> str:
    with pytest.raises(ExportDataError) as caught:
        read(folder, content, section)
    message = str(caught.value)
    assert "\n" not in message
    return message


def costs(file: FileCosts, *by: str) -> dict[Any, Decimal]:
    grouped = file.costs.group_by(by or ("date",)).agg(pl.sum("cost"))
    return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in grouped.rows()}


def test_costs_are_added_up_by_day_and_key(tmp_path: Path) -> None:
    section = source(tag="team")
    file = read(
        tmp_path,
        focus_csv(
            {
                "EffectiveCost": "0.1",
                "Tags": '{"team": "web", "env": "x,y"}',
                "SubAccountId": "1",
                "ServiceCategory": "Compute",
            },
            {"EffectiveCost": "0.2", "Tags": '{"team": "web"}', "SubAccountId": "1"},
            {"EffectiveCost": "-0.05", "Tags": "{}", "SubAccountId": "1", "SubAccountName": "production"},
            {"EffectiveCost": "7", "ServiceName": "S3, all of it", "SubAccountId": "1", "Tags": '{"team": 5}'},
        ),
        section,
    )
    assert costs(file, "date", "provider", "service", "sub_account", "tag_value", "currency", "service_category") == {
        (NEW_YEAR, "AWS", "EC2", "1", "web", "USD", "Compute"): Decimal("0.3"),
        (NEW_YEAR, "AWS", "EC2", "production", None, "USD", None): Decimal("-0.05"),
        (NEW_YEAR, "AWS", "S3, all of it", "1", "5", "USD", None): Decimal(7),
    }
    assert (file.rows, file.left_out, file.spread, file.first, file.last) == (4, 0, 0, NEW_YEAR, NEW_YEAR)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0.0000000000000000000001", "1E-22"),
        ("9999999999.1234567890123456789012", "9999999999.1234567890123456789012"),
        ("1.5E-5", "0.000015"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("-0", "0"),
        ("1.00000000000000000000005", "1"),
        ("1.00000000000000000000015", "1.0000000000000000000002"),
        ("1e-300", "0"),
        ("00012.50", "12.5"),
    ],
)
def test_amounts_are_what_is_written(tmp_path: Path, written: str, value: str) -> None:
    assert costs(read(tmp_path, focus_csv({"EffectiveCost": written}))) == {NEW_YEAR: Decimal(value)}


@pytest.mark.parametrize(
    ("start", "day"),
    [
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01T23:59:59.999999999Z", NEW_YEAR),
        ("2026-01-01T00:00Z", NEW_YEAR),
        ("2026-01-01 00:00:00 UTC", NEW_YEAR),
        ("2026-01-01T00:00:00", NEW_YEAR),
        ("2026-01-01", NEW_YEAR),
        ("2025-12-31T20:00:00-05:00", NEW_YEAR),
        ("2026-01-02T01:30:00+0200", NEW_YEAR),
    ],
)
def test_a_row_belongs_to_the_utc_day_in_which_its_period_begins(tmp_path: Path, start: str, day: date) -> None:
    row = {"ChargePeriodStart": start, "ChargePeriodEnd": ""}
    assert costs(read(tmp_path, focus_csv(row))) == {day: Decimal("1.5")}


def test_a_day_of_another_time_zone_is_not_spread_over_two(tmp_path: Path) -> None:
    row = {"ChargePeriodStart": "2026-01-01T00:00:00-05:00", "ChargePeriodEnd": "2026-01-02T00:00:00-05:00"}
    file = read(tmp_path, focus_csv(row))
    assert (costs(file), file.spread) == ({NEW_YEAR: Decimal("1.5")}, 0)


def test_a_period_without_a_length_is_the_day_in_which_it_begins(tmp_path: Path) -> None:
    file = read(tmp_path, focus_csv({"ChargePeriodEnd": "2026-01-01T00:00:00Z"}))
    assert (costs(file), file.spread) == ({NEW_YEAR: Decimal("1.5")}, 0)


def test_a_charge_for_a_month_is_spread_over_its_days_to_the_last_digit(tmp_path: Path) -> None:
    file = read(tmp_path, focus_csv({"EffectiveCost": "10", **FEBRUARY}, {"EffectiveCost": "31"}))
    parts = costs(file)
    assert sorted(parts) == [date(2026, 1, day) for day in range(1, 32)]
    assert parts.pop(NEW_YEAR) == Decimal("31.3225806451612903225806")
    assert set(parts.values()) == {Decimal("0.3225806451612903225806"), Decimal("0.3225806451612903225807")}
    assert sum(costs(file).values()) == 41
    assert (file.rows, file.spread, file.last) == (2, 1, NEW_YEAR)
    assert file.costs.get_column("begins").unique().to_list() == [NEW_YEAR]


@settings(max_examples=40, deadline=None)
@given(
    cost=st.decimals(-(10**9), 10**9, places=22, allow_nan=False, allow_infinity=False),
    days=st.integers(2, 3660),
)
def test_the_parts_of_any_charge_add_up_to_it(
    tmp_path_factory: pytest.TempPathFactory, cost: Decimal, days: int
) -> None:
    end = pl.Series([NEW_YEAR]).dt.offset_by(f"{days}d")[0]
    text = focus_csv({"EffectiveCost": f"{cost:f}", "ChargePeriodEnd": f"{end}"})
    parts = read(tmp_path_factory.mktemp("spread"), text).costs.get_column("cost")
    assert (len(parts), sum(map(Fraction, parts))) == (days, Fraction(cost))
    assert parts.max() - parts.min() <= Decimal("1E-22")  # type: ignore[operator]


def test_a_purchase_that_covers_others_and_a_tax_are_left_out_and_need_not_be_complete(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        focus_csv(
            {"ChargeCategory": "Usage"},
            {"ChargeCategory": "Purchase", "ServiceName": "", "EffectiveCost": "0"},
            {"ChargeCategory": "TAX", "BillingCurrency": "EUR", "EffectiveCost": "n/a"},
            {"ChargeCategory": "Credit", "EffectiveCost": "-0.5"},
            {"ChargeCategory": ""},
        ),
    )
    assert costs(file) == {NEW_YEAR: Decimal("2.5")}
    assert (file.rows, file.left_out) == (3, 2)


@pytest.mark.parametrize(
    ("header", "section"),
    [
        # 1.0 to 1.2; a billed cost without an effective one; 1.4; any case.
        (HEADER, None),
        (HEADER.replace("EffectiveCost", "BilledCost"), None),
        (HEADER.replace("ProviderName", "ServiceProviderName"), None),
        (HEADER.lower(), None),
        (HEADER.replace("ProviderName", "PublisherName"), {"provider": "AWS"}),
    ],
)
def test_each_version_of_focus_is_read(tmp_path: Path, header: str, section: dict[str, str] | None) -> None:
    file = read(tmp_path, f"{header}\n{','.join(DEFAULTS.values())}\n", source(**(section or {})))
    assert costs(file, "date", "provider") == {(NEW_YEAR, "AWS"): Decimal("1.5")}


def test_an_effective_cost_comes_before_the_billed_one(tmp_path: Path) -> None:
    assert costs(read(tmp_path, focus_csv({"BilledCost": "99", "EffectiveCost": "1"}))) == {NEW_YEAR: Decimal(1)}


GOOD = focus_csv({}, {"ServiceName": "S3"})


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\n\n"),
        GOOD.removesuffix("\n"),
        gzip.compress(GOOD.encode(), mtime=0),
        gzip.compress(GOOD[:100].encode(), mtime=0) + gzip.compress(GOOD[100:].encode(), mtime=0),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.splitlines()),
    ],
)
def test_harmless_differences_of_writing_are_read(tmp_path: Path, content: str | bytes) -> None:
    assert costs(read(tmp_path, content), "service") == {"EC2": Decimal("1.5"), "S3": Decimal("1.5")}


def test_line_ends_and_quotes_inside_quotes_are_text(tmp_path: Path) -> None:
    name = 'EC2 "large",\nspot\r\nmarket\r'
    file = read(tmp_path, focus_csv({"ServiceName": name}, {"ServiceName": "S3"}))
    assert set(costs(file, "service")) == {name.strip(), "S3"}


def test_a_header_alone_is_a_file_without_costs(tmp_path: Path) -> None:
    file = read(tmp_path, HEADER)
    assert (file.costs.height, file.rows, file.first, file.last) == (0, 0, None, None)


LINE = ",".join(DEFAULTS.values())
HOW_AMOUNT = "write digits and a point, such as 1234.56, without separators or a currency."
HOW_TIME = "write a UTC time such as 2026-01-31T00:00:00Z."
HOW_KIND = "not CSV in UTF-8; export it again as CSV or Parquet."


def wrong(column: str, value: str) -> str:
    """A file whose third line has this value."""
    return focus_csv({}, {column: value})


FAULTS = [
    ("", "costs.csv: the file is empty, not even a header is there; export it again."),
    ("\n\n", "costs.csv: the file is empty, not even a header is there; export it again."),
    ("<!DOCTYPE html>\n<p>Sign in</p>", f"costs.csv, line 1: this is an HTML or XML page, {HOW_KIND}"),
    ('{"error": "denied"}', f"costs.csv, line 1: this is JSON, {HOW_KIND}"),
    (b"PK\x03\x04\x00\x00", f"costs.csv, line 1: this is a zip archive, {HOW_KIND}"),
    (GOOD.encode("utf-16"), f"costs.csv, line 1: this is UTF-16 text, {HOW_KIND}"),
    (gzip.compress(b"PAR1...", mtime=0), f"costs.csv, line 1: this is Parquet inside gzip, {HOW_KIND}"),
    (
        f"{HEADER}\n{LINE}\n2026-01-01,1\n",
        "costs.csv, line 3: there are 2 values, the header names 6; export the file again, or put quotes around a "
        "value that holds a comma.",
    ),
    (
        f"{HEADER}\n{LINE}\n2026-01-01\n",
        "costs.csv, line 3: there is 1 value, the header names 6; export the file again, or put quotes around a "
        "value that holds a comma.",
    ),
    (
        f'{HEADER}\n{LINE}\n\n"2026-01-01\n",{LINE}\n',
        "costs.csv, line 4: there are 7 values, the header names 6; export the file again, or put quotes around a "
        "value that holds a comma.",
    ),
    (
        f'{HEADER}\n{LINE}\n{LINE[:-3]}"EC2\n{LINE}\n{LINE[:-3]}"EC2"\n',
        "costs.csv, line 3: a quote is not closed, or text follows it; double the quotes inside a value.",
    ),
    (
        f'{HEADER}\n{LINE}\n{LINE[:-3]}"EC2',
        "costs.csv, line 3: a quote is not closed; the file may be cut off, export it again.",
    ),
    (
        f'{HEADER}\n{LINE}\n{LINE[:-3]}E"C2"\n',
        "costs.csv, line 3: a quote inside a value without quotes; put quotes around the value.",
    ),
    (GOOD.replace("S3", "S\0"), "costs.csv, line 3: a NUL byte, which no text holds; export the file again."),
    (
        GOOD.replace("S3", "é").encode("latin-1"),
        "costs.csv, line 3: this is not UTF-8 text; save the file as CSV UTF-8.",
    ),
    (GOOD.replace("\n", "\r"), "costs.csv, line 1: lines end with a lone CR; save the file with LF or CRLF."),
    (f"{HEADER}\n{LINE}\r{LINE}\n", "costs.csv, line 2: a line ends with a lone CR; save the file with LF or CRLF."),
    (
        gzip.compress(GOOD.encode(), mtime=0)[:-9],
        "costs.csv: the gz is damaged or cut off (Compressed file ended before the end-of-stream marker was reached); "
        "copy or export it again.",
    ),
    (
        GOOD.replace("EffectiveCost", "EffectivCost"),
        "costs.csv: the column EffectiveCost or BilledCost is missing (there is 'EffectivCost'); write a FOCUS file of "
        "version 1.0 to 1.4.",
    ),
    (
        GOOD.replace(",", ";"),
        "costs.csv: there is one column only; separate columns with commas, not with semicolons.",
    ),
    (
        GOOD.replace("ChargePeriodEnd", "servicename"),
        "costs.csv: the column ServiceName is there twice; leave one of them out.",
    ),
    *(
        (wrong(column, ""), f"costs.csv, line 3, column {column}: nothing is written; every row needs a value.")
        for column in ("ChargePeriodStart", "BillingCurrency")
    ),
    (
        wrong("EffectiveCost", " "),
        "costs.csv, line 3, column EffectiveCost: nothing is written; every row needs a value.",
    ),
    *(
        (
            wrong("EffectiveCost", value),
            f"costs.csv, line 3, column EffectiveCost: {value!r} is no amount; {HOW_AMOUNT}",
        )
        for value in ("NaN", "inf", "1,234.56", "$1", "1_000", "0x1F", "1e999", "12345678901", "\u0661", "-")
    ),
    *(
        (
            wrong("ChargePeriodStart", value),
            f"costs.csv, line 3, column ChargePeriodStart: {value!r} is no time; {HOW_TIME}",
        )
        for value in ("01/31/2026", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "1926-01-01", "1767225600")
    ),
    (
        wrong("ChargePeriodEnd", "2025-12-31T23:59:59Z"),
        "costs.csv, line 3, column ChargePeriodEnd: '2025-12-31T23:59:59Z' is before the start of the period.",
    ),
    (
        wrong("ChargePeriodEnd", "2126-01-01T00:00:00Z"),
        "costs.csv, line 3, column ChargePeriodEnd: '2126-01-01T00:00:00Z' is more than ten years after the start.",
    ),
    (
        wrong("BillingCurrency", "Credits"),
        "costs.csv, line 3, column BillingCurrency: 'CREDITS' is no currency; write its three letters, such as USD.",
    ),
    (
        wrong("BillingCurrency", "EUR"),
        "costs.csv, line 3, column BillingCurrency: amounts in 'EUR' need exchange rates; name a CSV file with "
        "date,currency,usd_per_unit as rates in the [[infrastructure]] section, or export USD.",
    ),
]


@pytest.mark.parametrize(("content", "message"), FAULTS)
def test_a_fault_is_one_sentence_with_its_place(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(tmp_path, content) == message + UNUSED


def test_a_wrong_checksum_is_found(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(GOOD.encode()))
    packed[-8] ^= 1
    assert refusal(tmp_path, bytes(packed)).startswith("costs.csv: the gz is damaged or cut off (CRC check failed")


@pytest.mark.parametrize("tags", ["team=web", '["web"]', "[" * 100_000, '[{"key": "team"}]'])
def test_tags_that_cannot_be_read_are_none_and_counted(tmp_path: Path, tags: str) -> None:
    content = focus_csv({"Tags": '{"team": "web"}'}, {"Tags": tags})
    file = read(tmp_path, content, source(tag="team"))
    assert (costs(file, "tag_value"), file.facts.unread_tags) == (
        {"web": Decimal("1.5"), None: Decimal("1.5")},
        1,
    )
    assert read(tmp_path, content).facts.unread_tags == 0


def test_a_configured_tag_needs_its_column(tmp_path: Path) -> None:
    message = "costs.csv: the column Tags is missing; export it, or take tag out of the [[infrastructure]] section."
    assert refusal(tmp_path, GOOD, source(tag="team")) == message + UNUSED


def test_currencies_stay_apart_where_there_are_rates(tmp_path: Path) -> None:
    content = focus_csv({}, {"BillingCurrency": "eur", "EffectiveCost": "2"})
    assert costs(read(tmp_path, content, source(rates="rates.csv")), "currency") == {
        "USD": Decimal("1.5"),
        "EUR": Decimal(2),
    }


def test_rows_far_down_the_file_are_named_by_their_line(tmp_path: Path) -> None:
    """Files are read in blocks of 16 MiB; a line's number counts from the file's beginning."""
    filler = focus_csv({"Note": "x" * 900 + "\n" + "y" * 99}).partition("\n")
    text = filler[0] + "\n" + filler[2] * 40_000 + filler[2].replace("1.5", "1.5.5")
    message = refusal(tmp_path, text)
    assert message.startswith("costs.csv, line 80002, column EffectiveCost: '1.5.5' is no amount;")


def test_a_record_without_an_end_is_refused_before_memory_is_full(tmp_path: Path) -> None:
    text = f'{HEADER}\n{LINE}\n{LINE[:-3]}"' + "x\n" * (45 << 20)
    assert refusal(tmp_path, gzip.compress(text.encode(), 1)) == (
        f"costs.csv, line 3: a record without an end begins here; close its quotes.{UNUSED}"
    )


def test_simple_files_have_a_label_for_a_service(tmp_path: Path) -> None:
    content = "Date,Amount,Label\n2026-01-01,12.34,seats\n2026-01-02,5,seats\n"
    section = source(name="datadog", format="simple", currency="EUR", rates="rates.csv")
    file = read(tmp_path, content, section)
    assert costs(file, "date", "provider", "service", "currency") == {
        (NEW_YEAR, "datadog", "seats", "EUR"): Decimal("12.34"),
        (date(2026, 1, 2), "datadog", "seats", "EUR"): Decimal(5),
    }
    assert costs(read(tmp_path, content, source(format="simple", provider="Datadog")), "provider", "currency") == {
        ("Datadog", "USD"): Decimal("17.34")
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("day,amount,label\n", "costs.csv: the column date is missing; write the header date,amount,label."),
        (
            "date,amount,label\n2026-01-01,,seats\n",
            "costs.csv, line 2, column amount: nothing is written; every row needs a value.",
        ),
        (
            "date,amount,label\n2026-01-01,5\n",
            "costs.csv, line 2: there are 2 values, the header names 3; export the file "
            "again, or put quotes around a value that holds a comma.",
        ),
    ],
)
def test_a_fault_of_a_simple_file_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    assert refusal(tmp_path, content, source(format="simple")) == message + UNUSED


def parquet(folder: Path, **columns: Any) -> Path:
    """A Parquet file of two rows, `columns` in place of the defaults (None: left out)."""
    start = pa.array([1767225600000, 1767312000000 - 1], pa.timestamp("ms", "America/New_York"))
    default = {
        "ChargePeriodStart": start,
        "EffectiveCost": pa.array([Decimal("0.1"), Decimal("0.2")], pa.decimal128(38, 20)),
        "BillingCurrency": pa.array(["USD", "USD"]).dictionary_encode(),
        "ProviderName": pa.array(["AWS", "AWS"]),
        "ServiceName": pa.array(["EC2", "EC2"], pa.large_string()),
    }
    path = folder / "costs.parquet"
    pq.write_table(pa.table({name: column for name, column in (default | columns).items() if column is not None}), path)
    return path


@pytest.mark.parametrize(
    ("values", "total"),
    [
        (pa.array([Decimal("0.1"), Decimal("0.2")], pa.decimal128(38, 20)), "0.3"),
        # A double becomes the shortest decimal that reads back as the same double.
        (pa.array([0.1, 1.2345678901234567e-10], pa.float64()), "0.10000000012345678901234568"),
        (pa.array([0.1, 0.2], pa.float32()), "0.3"),
        (pa.array([1, 2], pa.int64()), "3"),
        (pa.array(["0.1", "2e-1"]), "0.3"),
    ],
)
def test_parquet_amounts_are_exact_in_every_type(tmp_path: Path, values: Any, total: str) -> None:
    file = read_costs(parquet(tmp_path, EffectiveCost=values), source())
    (cost,) = costs(file).values()
    assert cost == Decimal(total).quantize(Decimal("1E-22"))


def test_parquet_times_and_tags_are_read_in_their_own_types(tmp_path: Path) -> None:
    tags = pa.array([[("team", "web"), ("env", "x")], None], pa.map_(pa.string(), pa.string()))
    days = pa.array([NEW_YEAR, date(2026, 1, 2)], pa.date32())
    accounts = pa.array([123456789012, None], pa.int64())
    path = parquet(tmp_path, Tags=tags, ChargePeriodStart=days, SubAccountId=accounts)
    assert costs(read_costs(path, source(tag="team")), "date", "sub_account", "tag_value") == {
        (NEW_YEAR, "123456789012", "web"): Decimal("0.1"),
        (date(2026, 1, 2), None, None): Decimal("0.2"),
    }


def test_parquet_faults_are_sentences_with_row_and_column(tmp_path: Path) -> None:
    def message(**columns: Any) -> str:
        path = parquet(tmp_path, **columns)
        with pytest.raises(ExportDataError) as caught:
            read_costs(path, source(), "costs.parquet")
        return str(caught.value).removesuffix(UNUSED)

    assert message(EffectiveCost=pa.array([1.0, float("nan")])) == (
        f"costs.parquet, row 2, column EffectiveCost: 'NaN' is no amount; {HOW_AMOUNT}"
    )
    assert message(BillingCurrency=pa.array(["USD", None])) == (
        "costs.parquet, row 2, column BillingCurrency: nothing is written; every row needs a value."
    )
    assert message(EffectiveCost=pa.array([True, False])) == (
        "costs.parquet, column EffectiveCost: its type is bool, which does not fit; write it as FOCUS says."
    )
    assert message(ServiceName=None) == (
        "costs.parquet: the column ServiceName is missing; write a FOCUS file of version 1.0 to 1.4."
    )


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path).read_bytes()
    for content in (whole[:-20], whole[:4] + bytes(200) + whole[204:]):
        assert refusal(tmp_path, content).startswith("costs.csv: the Parquet file is damaged or cut off (")


def test_simple_parquet_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, parquet(tmp_path).read_bytes(), source(format="simple"))
    assert message.startswith('costs.csv: this is Parquet, and format = "simple" is CSV;')


def test_a_file_is_read_again_only_where_it_would_be_read_differently() -> None:
    same = [source(), source(files="other.csv"), source(name="gcp")]
    other = [source(tag="team"), source(provider="AWS"), source(rates="r.csv"), source(format="simple")]
    other += [source(cost="billed"), source(purchases="count")]
    assert len({reading_hash(section) for section in same}) == 1
    assert len({reading_hash(section) for section in (*same, *other)}) == 7
