"""`infrastructure_costs` over several readings: late, replaced, vanished and broken files; nothing lost or doubled."""

import gzip
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from circleci_cost.lake.infrastructure import SourceFiles, read_sources
from circleci_cost.warehouse.infrastructure.infrastructure_costs import (
    infrastructure_series,
    known_files,
    write_infrastructure,
)
from circleci_cost_tests.model.infrastructure.builders import below, daily, focus_csv, source
from circleci_cost_tests.warehouse.infrastructure.builders import AT, Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(tmp_path)
    yield opened
    opened.connection.close()


def test_files_that_hold_a_day_together_are_added_up(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1", "02": "2"}))
    warehouse.write("b.csv", daily({"02": "0.5", "03": "3"}))
    summary = warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2.5", "03": "3"}
    (aws,) = summary.sources
    assert (summary.rows, summary.days, aws.files, aws.read, aws.through) == (3, 3, 2, 2, date(2026, 1, 3))
    assert summary.providers.rows() == [
        ("aws", "AWS", 3, date(2026, 1, 1), date(2026, 1, 3), 1, Decimal("6.5")),
    ]


def test_an_unchanged_file_is_not_read_again(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.write("b.csv", daily({"02": "2"}))
    warehouse.read()
    # The same bytes under a new time of modification.
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.write("b.csv", daily({"02": "5"}))
    assert [summary.read for summary in warehouse.read().sources] == [1]
    assert [summary.read for summary in warehouse.read().sources] == [0]
    assert warehouse.days() == {"01": "1", "02": "5"}


def test_a_late_day_replaces_that_day_only(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1", "02": "2"}))
    warehouse.write("b.csv", daily({"02": "0.5"}))
    warehouse.read()
    warehouse.write("b.csv", daily({"02": "0.75", "03": "3"}))
    warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2.75", "03": "3"}


def test_a_day_that_a_corrected_file_no_longer_holds_is_gone(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1", "15": "9"}))
    warehouse.read()
    warehouse.write("a.csv", daily({"01": "1", "16": "9"}))
    warehouse.read()
    assert warehouse.days() == {"01": "1", "16": "9"}


def test_a_file_under_a_new_name_does_not_count_twice(warehouse: Warehouse) -> None:
    warehouse.write("january.csv", daily({"01": "1", "02": "2"}))
    warehouse.read()
    (warehouse.folder / "january.csv").unlink()
    warehouse.write("january-final.csv", daily({"01": "1", "02": "2.25"}))
    summary = warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2.25"}
    assert summary.sources[0].vanished == (str(warehouse.folder / "january.csv"),)
    # It is told once.
    assert warehouse.read().sources[0].vanished == ()


def test_days_of_files_that_were_rotated_away_stay(warehouse: Warehouse) -> None:
    for day in ("01", "02", "03"):
        warehouse.write(f"{day}.csv", daily({day: day}))
    warehouse.read()
    (warehouse.folder / "01.csv").unlink()
    warehouse.write("04.csv", daily({"04": "4"}))
    warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2", "03": "3", "04": "4"}
    # One that vanishes between others was taken out on purpose.
    (warehouse.folder / "03.csv").unlink()
    warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2", "04": "4"}


def test_a_file_of_the_last_days_keeps_what_it_held_before(warehouse: Warehouse) -> None:
    warehouse.write("last.csv", daily({"01": "1", "02": "2", "03": "3"}))
    warehouse.read()
    warehouse.write("last.csv", daily({"02": "2.5", "03": "3", "04": "4"}))
    warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2.5", "03": "3", "04": "4"}
    # A content of before, and further back than that, replaces all it reaches back to.
    warehouse.write("last.csv", daily({"01": "1", "02": "2", "03": "3"}))
    warehouse.read()
    assert warehouse.days() == {"01": "1", "02": "2", "03": "3"}


def test_a_charge_that_is_spread_outlives_its_file(warehouse: Warehouse) -> None:
    month = {"ChargePeriodEnd": "2026-02-01T00:00:00Z", "EffectiveCost": "31"}
    warehouse.write("support.csv", focus_csv(month))
    warehouse.read()
    (warehouse.folder / "support.csv").unlink()
    warehouse.write("later.csv", daily({"20": "5"}))
    warehouse.read()
    assert warehouse.days() == {f"{day:02}": "6" if day == 20 else "1" for day in range(1, 32)}


BROKEN = [
    ("", "b.csv: the file is empty, not even a header is there; export it again. Nothing of this file was used."),
    (
        daily({"02": "x"}),
        "b.csv, line 2, column EffectiveCost: 'x' is no amount; write digits and a point, such as 1234.56, without "
        "separators or a currency. Nothing of this file was used.",
    ),
    (
        daily({}),
        "b.csv held 1 row of costs and now holds none; export it again, or remove the file if that is right. Nothing "
        "of this file was used.",
    ),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_file_leaves_yesterdays_results_of_its_source(warehouse: Warehouse, text: str, message: str) -> None:
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.write("b.csv", daily({"02": "2"}))
    warehouse.write("saas.txt", "date,amount,label\n2026-01-01,7,seats\n")
    saas = source("saas.txt", name="saas", format="simple")
    warehouse.read(source(), saas)
    warehouse.write("a.csv", daily({"01": "100"}))
    warehouse.write("b.csv", text)
    warehouse.write("saas.txt", "date,amount,label\n2026-01-01,8,seats\n")

    assert warehouse.refused(source(), saas) == message

    assert warehouse.days("source = 'aws'") == {"01": "1", "02": "2"}
    assert warehouse.days("source = 'saas'") == {"01": "8"}
    warehouse.write("b.csv", daily({"02": "2"}))
    warehouse.read(source(), saas)
    assert warehouse.days("source = 'aws'") == {"01": "100", "02": "2"}


def test_a_source_whose_files_are_all_gone_keeps_its_days(warehouse: Warehouse) -> None:
    path = warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.read()
    path.unlink()
    assert warehouse.refused() == "No file fits *.csv; correct the files of [[infrastructure]], or wait for one."
    assert warehouse.days() == {"01": "1"}


def test_a_file_with_a_header_only_has_no_costs_from_the_start(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({}))
    warehouse.write("b.csv", daily({"02": "2"}))
    warehouse.read()
    assert warehouse.days() == {"02": "2"}


def test_a_source_that_is_no_longer_configured_is_removed(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.read(source(), source(name="other"))
    warehouse.read(source(name="other"))
    assert set(warehouse.days("source = 'aws'")) == set()
    assert warehouse.days() == {"01": "1"}
    summary = write_infrastructure(warehouse.connection, [], AT)
    assert (summary.rows, summary.sources, known_files(warehouse.connection)) == (0, (), {})


def test_two_files_of_one_content_are_refused(warehouse: Warehouse) -> None:
    warehouse.write("a (1).csv", daily({"01": "1"}))
    warehouse.write("a.csv", daily({"01": "1"}))
    assert warehouse.refused() == (
        "a.csv has the same content as a (1).csv, and its costs would count twice; remove one of them, or narrow the "
        "files of [[infrastructure]]. Nothing of this source was used."
    )


def test_a_file_that_fits_two_patterns_counts_once(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.read(source(("a.csv", "*.csv")))
    assert warehouse.days() == {"01": "1"}


def test_files_that_repeat_whole_days_are_named(warehouse: Warehouse) -> None:
    """Exports of the month to date under a new name each day would count every day again and again."""
    row = {"ServiceName": "S3", "ChargePeriodStart": "2026-01-01T00:00:00Z"}
    first = focus_csv({}, row)
    warehouse.write("until-1.csv", first)
    warehouse.write("until-2.csv", first + daily({"02": "2"}).partition("\n")[2])
    summary = warehouse.read()
    assert summary.repeated.rows() == [
        ("aws", str(warehouse.folder / "until-1.csv"), str(warehouse.folder / "until-2.csv"), 1, date(2026, 1, 1))
    ]


def test_files_of_one_service_that_repeat_several_days_are_named(warehouse: Warehouse) -> None:
    days = {"01": "1", "02": "1", "03": "1"}
    warehouse.write("until-2.csv", daily({day: days[day] for day in ("01", "02")}))
    warehouse.write("until-3.csv", daily(days | {"03": "9"}))
    # Flat charges of two days, or one for a month, may well be the same in two files.
    assert warehouse.read().repeated.is_empty()
    month = focus_csv({"ChargePeriodEnd": "2026-02-01", "ServiceName": "support"})
    warehouse.write("a.txt", month)
    warehouse.write("b.txt", month + "\n")
    warehouse.write("until-4.csv", daily(days | {"03": "9", "04": "1"}))
    assert warehouse.read(source("*.csv"), source("*.txt", name="fees")).repeated.rows() == [
        ("aws", *(str(warehouse.folder / f"until-{day}.csv") for day in (2, 4)), 2, date(2026, 1, 1)),
        ("aws", *(str(warehouse.folder / f"until-{day}.csv") for day in (3, 4)), 1, date(2026, 1, 3)),
    ]


def test_another_tag_reads_all_files_again(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1"}, Tags='{"team": "web", "env": "test"}'))
    values = "SELECT tag, tag_value FROM infrastructure_costs"
    warehouse.read(source(tag="team"))
    assert warehouse.connection.execute(values).fetchall() == [("team", "web")]
    warehouse.read(source(tag="env"))
    assert warehouse.connection.execute(values).fetchall() == [("env", "test")]
    warehouse.read(source())
    assert warehouse.connection.execute(values).fetchall() == [(None, None)]


def test_other_currencies_are_converted_at_the_rate_of_their_day(warehouse: Warehouse) -> None:
    rates = warehouse.write("rates.txt", "date,currency,usd_per_unit\n2026-01-01,EUR,1.1\n2026-01-02,EUR,1.2\n")
    warehouse.write("a.csv", daily({"01": "10", "02": "0.0000000000000001"}, BillingCurrency="EUR"))
    warehouse.write("b.csv", daily({"01": "5"}))
    section = source(rates="rates.txt")
    assert warehouse.read(section).sources[0].rates_through == {"EUR": date(2026, 1, 2)}
    query = "SELECT date, currency, cost, usd_per_unit, cost_usd FROM infrastructure_costs ORDER BY date, currency"
    assert warehouse.connection.execute(query).fetchall() == [
        (date(2026, 1, 1), "EUR", Decimal(10), Decimal("1.1"), Decimal(11)),
        (date(2026, 1, 1), "USD", Decimal(5), Decimal(1), Decimal(5)),
        (date(2026, 1, 2), "EUR", Decimal("1E-16"), Decimal("1.2"), Decimal("1E-16")),
    ]
    # Corrected rates need no file to be read again; a missing one leaves everything as it was.
    rates.write_text("date,currency,usd_per_unit\n2026-01-01,EUR,2\n")
    assert [summary.read for summary in warehouse.read(section).sources] == [0]
    assert warehouse.days()["01"] == "25"
    rates.write_text("date,currency,usd_per_unit\n2026-01-02,EUR,1.2\n")
    assert warehouse.refused(section).startswith("rates.txt has no rate of EUR for 2026-01-01")
    assert warehouse.days()["01"] == "25"


def test_without_rates_another_currency_is_refused(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.read()
    warehouse.write("a.csv", daily({"01": "2"}, BillingCurrency="EUR"))
    assert warehouse.refused().startswith(
        "a.csv, line 2, column BillingCurrency: amounts in 'EUR' need exchange rates;"
    )
    assert warehouse.days() == {"01": "1"}


def test_a_crash_between_reading_and_writing_leaves_everything(warehouse: Warehouse) -> None:
    warehouse.write("a.csv", daily({"01": "1"}))
    warehouse.read()
    warehouse.write("a.csv", daily({"01": "2"}))
    (files,) = read_sources([source()], known_files(warehouse.connection), below(warehouse.folder), warehouse.folder)
    assert isinstance(files, SourceFiles)
    broken = files.read[0][1].with_columns(provider=None)
    with pytest.raises(duckdb.ConstraintException):
        write_infrastructure(warehouse.connection, [SourceFiles(files.source, (), ((files.read[0][0], broken),))], AT)
    assert warehouse.days() == {"01": "1"}
    warehouse.read()
    assert warehouse.days() == {"01": "2"}


def test_compressed_files_and_simple_ones_are_read(warehouse: Warehouse) -> None:
    (warehouse.folder / "a.csv.gz").write_bytes(gzip.compress(daily({"01": "1"}).encode()))
    warehouse.write("seats.txt", "date,amount,label\n2026-01-01,2.5,seats\n")
    warehouse.read(source("*.csv.gz"), source("seats.txt", name="saas", format="simple", provider="Datadog"))
    query = "SELECT source, provider, service, cost_usd FROM infrastructure_costs ORDER BY source"
    assert warehouse.connection.execute(query).fetchall() == [
        ("aws", "AWS", "EC2", Decimal(1)),
        ("saas", "Datadog", "seats", Decimal("2.5")),
    ]


def test_series_are_services_and_what_splits_them(warehouse: Warehouse) -> None:
    rows = [
        {"EffectiveCost": "1", "SubAccountName": "build", "Tags": '{"team": "web"}'},
        {"EffectiveCost": "2", "SubAccountName": "live", "Tags": "{}"},
        {"EffectiveCost": "4", "ServiceName": "S3", "Tags": '{"team": "web"}'},
    ]
    days = [{"ChargePeriodStart": f"2026-01-0{day}", "ChargePeriodEnd": ""} for day in (1, 2, 4, 5)]
    second = [row | day for day in days[1:] for row in (rows[0], rows[2])]
    warehouse.write("a.csv", focus_csv(*(row | days[0] for row in rows[:2]), *second))
    warehouse.read(source(tag="team"))
    series: dict[str, dict[str, float]] = {}
    for name, day, cost in infrastructure_series(warehouse.connection).rows():
        series.setdefault(name, {})[f"{day:%d}"] = cost
    # The newest day may still grow, and on the third there is nothing at all.
    assert series == {
        "aws · EC2": {"01": 3.0, "02": 1.0, "04": 1.0},
        "aws · EC2 · build": {"01": 1.0, "02": 1.0, "04": 1.0},
        "aws · EC2 · live": {"01": 2.0, "02": 0.0, "04": 0.0},
        "aws · EC2 · team = web": {"01": 1.0, "02": 1.0, "04": 1.0},
        "aws · EC2 · team = (none)": {"01": 2.0, "02": 0.0, "04": 0.0},
        "aws · S3": {"02": 4.0, "04": 4.0},
    }


def test_series_of_one_service_name_at_two_providers_stay_apart(warehouse: Warehouse) -> None:
    warehouse.write(
        "a.csv", focus_csv({}, {"ProviderName": "Azure"}, {"ChargePeriodStart": "2026-01-02", "ChargePeriodEnd": ""})
    )
    warehouse.read()
    series = infrastructure_series(warehouse.connection)
    assert series.get_column("series").to_list() == ["aws · AWS · EC2", "aws · Azure · EC2"]


def test_series_do_not_reach_into_days_to_come(warehouse: Warehouse) -> None:
    warehouse.write(
        "a.csv",
        focus_csv({"ChargePeriodEnd": "2026-02-01"}, {"ChargePeriodStart": "2026-01-05", "ChargePeriodEnd": ""}),
    )
    warehouse.read()
    assert infrastructure_series(warehouse.connection).get_column("date").max() == date(2026, 1, 4)
