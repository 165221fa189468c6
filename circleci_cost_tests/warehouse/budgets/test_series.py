"""What budgets add up: exact sums of their scopes, against Python's decimals and against the report's own view."""

import fnmatch
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.series import History
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.forecast.series import budget_series, history, known_values, portfolio_series
from circleci_cost_tests.warehouse.budgets.builders import PRICE, allocated, budget, known, warehouse

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)


def sums(connection: duckdb.DuckDBPyConnection, *budgets: Budget) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """Credits, USD and unpriced credits of each budget over all days."""
    totals: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
    for name, _, credits, cost, unpriced in budget_series(connection, budgets).rows():
        before = totals.get(name, (Decimal(0),) * 3)
        totals[name] = (before[0] + credits, before[1] + cost, before[2] + unpriced)
    return totals


def credits_of(connection: duckdb.DuckDBPyConnection, **fields: Any) -> Decimal:
    return sums(connection, budget(**fields)).get("web", (Decimal(0),))[0]


def test_a_budget_has_the_sum_of_each_day_of_its_scope() -> None:
    rows = [
        {"date": DAY, "project": "web", "compute": "1000", "dlc": "0.000001"},
        {"date": DAY, "project": "web", "compute": "10", "branch": "main"},
        {"date": NEXT, "project": "api", "compute": "5"},
        {"date": NEXT, "project": "web", "user": "25000"},
    ]
    series = budget_series(warehouse(rows), [budget("all"), budget("web", where={"project": "web"})])
    assert series.rows() == [
        ("all", DAY, Decimal("1010.000001"), Decimal("0.6060000006"), Decimal(0)),
        ("all", NEXT, Decimal(25005), Decimal("15.003"), Decimal(0)),
        ("web", DAY, Decimal("1010.000001"), Decimal("0.6060000006"), Decimal(0)),
        ("web", NEXT, Decimal(25000), Decimal(15), Decimal(0)),
    ]


def test_seats_can_be_left_out() -> None:
    connection = warehouse([{"date": DAY, "compute": "10", "user": "25000"}, {"date": DAY, "user": "7", "price": None}])
    with_seats, without = sums(connection, budget("a"), budget("b", seats=False)).values()
    assert with_seats == (Decimal(25017), Decimal("15.006"), Decimal(7))
    assert without == (Decimal(10), Decimal("0.006"), Decimal(0))


def test_charge_types_can_be_asked_for_and_seats_are_one_of_them() -> None:
    connection = warehouse([{"date": DAY, "compute": "10", "dlc": "200", "user": "25000", "other": "-1"}])
    assert credits_of(connection, where={"charge_type": ["compute", "dlc"]}) == 210
    assert credits_of(connection, where={"charge_type": {"not": "compute"}}) == 25199
    assert credits_of(connection, where={"charge_type": {"not": "compute"}}, seats=False) == 199
    assert credits_of(connection, where={"charge_type": "user"}, seats=False) == 0
    by_glob = sums(connection, budget(where={"charge_type": {"glob": "*"}}))
    assert by_glob == sums(connection, budget())


def test_what_has_no_name_goes_by_its_id_and_what_has_no_value_is_none() -> None:
    rows: list[dict[str, Any]] = [
        {"date": DAY, "project": None, "project_id": "p-1", "compute": "1"},
        {"date": DAY, "project": "web", "project_id": "p-2", "branch": "main", "compute": "10"},
        {"date": DAY, "organization": None, "organization_id": "o-2", "branch": "", "compute": "100"},
    ]
    connection = warehouse(rows)
    assert credits_of(connection, where={"project": "p-1"}) == 1
    assert credits_of(connection, where={"project_id": {"in": ["p-1", "p-2"]}}) == 11
    assert credits_of(connection, where={"organization": "o-2"}) == 100
    assert credits_of(connection, where={"branch": "(none)"}) == 1
    assert credits_of(connection, where={"branch": {"not": "(none)"}}) == 110


def test_values_that_look_like_sql_are_only_values() -> None:
    name = "web'); DROP TABLE daily_costs; --"
    connection = warehouse([{"date": DAY, "project": name, "compute": "1"}, {"date": DAY, "compute": "10"}])
    assert credits_of(connection, where={"project": name}) == 1
    assert credits_of(connection, where={"project": {"regex": "'|web$"}}) == 11


def test_alternatives_do_not_count_a_cost_twice() -> None:
    connection = warehouse([{"date": DAY, "project": "web", "branch": "main", "compute": "10"}])
    assert credits_of(connection, where=[{"project": "web"}, {"branch": "main"}]) == 10


def test_a_virtual_tag_is_read_from_the_allocated_costs() -> None:
    connection = warehouse([{"date": DAY, "compute": "999"}])
    rows = [
        {"date": DAY, "value": "web", "credits": "10"},
        {"date": DAY, "value": "web", "credits": "25000", "charge_type": "user"},
        {"date": DAY, "value": "web", "credits": "3", "project": "api", "price": None},
        {"date": DAY, "value": "data", "credits": "100"},
        {"date": DAY, "value": "web", "credits": "5000", "tag": "site"},
    ]
    allocated(connection, rows)
    assert sums(connection, budget(where={"team": "web"})) == {"web": (Decimal(25013), Decimal("15.006"), Decimal(3))}
    assert credits_of(connection, where={"team": "web"}, seats=False) == 13
    assert credits_of(connection, where={"team": "web", "project": "api"}) == 3
    assert credits_of(connection, where={"team": "web", "charge_type": "user"}) == 25000
    assert credits_of(connection, where={"team": {"not": "web"}}) == 100
    assert credits_of(connection, where={"site": "web"}) == 5000
    assert known_values(connection, [budget(where={"team": "wep"})]) == {"team": ["data", "web"]}


_VALUES = ("a", "ab", "b*", "release/1", "x'y", None)
_PATTERNS = ("a*", "?", "*b*", "release/*", "*")
_REGEXES = ("^a", "b", "^$", "[ab]$", "none")
_CONDITIONS = st.one_of(
    st.sampled_from(["a", "b*", "(none)", "x'y", "unseen"]),
    st.lists(st.sampled_from(["a", "ab", "(none)", "unseen"]), min_size=1, max_size=3),
    st.builds(lambda value: {"not": value}, st.sampled_from(["a", "(none)"])),
    st.builds(lambda value: {"glob": value}, st.sampled_from(_PATTERNS)),
    st.builds(lambda value: {"not": {"glob": value}}, st.sampled_from(_PATTERNS)),
    st.builds(lambda value: {"regex": value}, st.sampled_from(_REGEXES)),
    st.builds(
        lambda glob, value: {"glob": glob, "not": value}, st.sampled_from(_PATTERNS), st.sampled_from(["a", "ab"])
    ),
)
_SCOPES = st.lists(
    st.dictionaries(st.sampled_from(["job", "branch", "cost_center"]), _CONDITIONS, min_size=1), min_size=1, max_size=2
)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.sampled_from([DAY, NEXT]),
            "cost_center": st.sampled_from(["a", "ab"]),
            "job": st.sampled_from(_VALUES),
            "branch": st.sampled_from(_VALUES),
            "compute": st.decimals(0, 10**9, places=6),
            "user": st.decimals(0, 10**6, places=6),
            "price": st.sampled_from([PRICE, Decimal("0.0000100001"), None]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(_ROWS, st.lists(_SCOPES, min_size=1, max_size=4), st.booleans())
def test_any_scope_adds_up_exactly_what_pythons_own_comparison_picks(
    rows: list[dict[str, Any]], scopes: list[list[dict[str, Any]]], seats: bool
) -> None:
    budgets = [budget(str(number), where=scope, seats=seats) for number, scope in enumerate(scopes)]
    expected = {}
    for number, scope in enumerate(scopes):
        fitting = [row for row in rows if any(_fits(row, table) for table in scope)]
        if fitting:
            counted = [(row["compute"] + (row["user"] if seats else 0), row["price"]) for row in fitting]
            expected[str(number)] = (
                sum(credits for credits, _ in counted),
                sum((credits * price for credits, price in counted if price is not None), start=Decimal(0)),
                sum((credits for credits, price in counted if price is None), start=Decimal(0)),
            )
    with warehouse(rows) as connection:
        assert sums(connection, *budgets) == expected


def _fits(row: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    return all(_holds("(none)" if row[name] is None else row[name], wanted) for name, wanted in table.items())


def _holds(value: str, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return value == wanted
    if isinstance(wanted, list):
        return value in wanted
    operators: dict[str, Callable[[Any], bool]] = {
        "not": lambda inner: not _holds(value, inner),
        "glob": lambda pattern: fnmatch.fnmatchcase(value, pattern),
        "regex": lambda pattern: re.search(pattern, value) is not None,
    }
    return all(operators[operator](inner) for operator, inner in wanted.items())


def test_the_whole_is_the_sum_of_its_parts_and_of_the_reports_rows() -> None:
    rows = [
        {"date": DAY, "compute": "1000.000001", "cost_center": "acme"},
        {"date": DAY, "user": "25000", "cost_center": "globex", "organization": None, "organization_id": "g"},
        {"date": NEXT, "compute": "77", "price": None},
    ]
    connection = warehouse(rows)
    allocated(connection, [{"date": DAY, "value": "web", "credits": "3"}])
    portfolio = portfolio_series(connection, History(DAY, NEXT))
    assert portfolio.select("series_kind", "series", "date", "credits").rows() == [
        ("cost_center", "acme", DAY, Decimal("1000.000001")),
        ("cost_center", "acme", NEXT, Decimal(77)),
        ("cost_center", "globex", DAY, Decimal(25000)),
        ("organization", "acme", DAY, Decimal("1000.000001")),
        ("organization", "acme", NEXT, Decimal(77)),
        ("organization", "g", DAY, Decimal(25000)),
        ("tag", "team=web", DAY, Decimal(3)),
        ("total", "total", DAY, Decimal("26000.000001")),
        ("total", "total", NEXT, Decimal(77)),
    ]
    make_view(connection, rows_for([]))
    reported = connection.execute(
        "SELECT date, sum(credits), coalesce(sum(cost_usd), 0) FROM series_daily GROUP BY date ORDER BY date"
    ).fetchall()
    totals = portfolio.filter(series_kind="total").select("date", "credits", "cost_usd").rows()
    assert totals == reported
    assert budget_series(connection, [budget()]).select("date", "credits", "cost_usd").rows() == reported


def test_data_reach_to_the_last_day_that_every_cost_center_has_completely() -> None:
    days = [DAY + timedelta(days=number) for number in range(6)]
    connection = warehouse([], [])
    connection.execute("DELETE FROM usage_days")
    assert history(connection) is None
    known(connection, days[:5], ["acme"])
    known(connection, [days[1], days[3]], ["globex"])
    known(connection, days[4:], ["globex"], complete=False)
    # Before its first day a cost center was not there; the day it lacks afterwards is incomplete.
    assert history(connection) == History(DAY, days[3], (days[2],))
