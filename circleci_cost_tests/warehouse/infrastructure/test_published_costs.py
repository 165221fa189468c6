"""Published infrastructure costs as readers get them: by service and period, how far a source reaches, its files."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.report import Granularity
from circleci_cost.warehouse.infrastructure.infrastructure_costs import infrastructure_series
from circleci_cost.warehouse.infrastructure.published_costs import read_files, service_costs, source_days
from circleci_cost_tests.model.infrastructure.builders import source
from circleci_cost_tests.warehouse.infrastructure.builders import AT, Warehouse

OFFICE = source(name="office", files="*.csv", format="simple")
JANUARY = DayRange(date(2026, 1, 1), date(2026, 1, 31))


def warehouse(folder: Path) -> Warehouse:
    made = Warehouse(folder)
    made.write(
        "a.csv",
        "date,amount,label\n2026-01-30,1.10,rds\n2026-01-31,0.000000000001,s3\n2026-01-31,2,rds\n2026-02-02,5,s3\n",
    )
    made.read(OFFICE)
    return made


def test_services_are_added_up_exactly_the_dearest_first(tmp_path: Path) -> None:
    costs = service_costs(warehouse(tmp_path).connection, JANUARY)
    assert [(each.period, each.service, each.cost) for each in costs] == [
        (None, "rds", Decimal("3.10")),
        (None, "s3", Decimal("0.000000000001")),
    ]


def test_a_period_holds_its_own_days_alone(tmp_path: Path) -> None:
    days = DayRange(date(2026, 1, 1), date(2026, 2, 28))
    costs = service_costs(warehouse(tmp_path).connection, days, Granularity.MONTH)
    assert [(each.period, each.service, each.cost) for each in costs if each.period and each.period.month == 2] == [
        (date(2026, 2, 1), "s3", Decimal(5))
    ]


def test_the_newest_day_of_a_source_may_still_grow(tmp_path: Path) -> None:
    (office,) = source_days(warehouse(tmp_path).connection)
    assert (office.first, office.newest, office.last) == (date(2026, 1, 30), date(2026, 2, 2), date(2026, 2, 1))


def test_files_tell_their_rows_and_days(tmp_path: Path) -> None:
    (file,) = read_files(warehouse(tmp_path).connection)
    assert (Path(file.path).name, file.rows, file.first, file.last, file.read_at) == (
        "a.csv",
        4,
        date(2026, 1, 30),
        date(2026, 2, 2),
        AT,
    )


def test_series_stay_floating_for_statistics(tmp_path: Path) -> None:
    series = infrastructure_series(warehouse(tmp_path).connection)
    assert series.schema["cost"].is_float()
    assert series.filter(series="office · rds")["cost"].to_list() == [1.1, 2.0]
