"""Any costs, rules and splits: every allocated row equals an independent computation, and nothing is lost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost_tests.warehouse.allocation.builders import DAY, daily_cost, plan, warehouse
from circleci_cost_tests.warehouse.allocation.oracle import CHARGE_TYPES, expected

PROJECTS = ("web", "api", "shop", "infra")
BRANCHES = (None, "main", "feature/1", "feature/2")
TEAMS = ("red", "blue", "green")
CREDITS = st.decimals("0", "99999", places=6) | st.sampled_from([Decimal(0), Decimal(1), Decimal("0.000001")])
DAYS = st.integers(0, 3).map(lambda days: DAY + timedelta(days=days))

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "date": DAYS,
            "cost_center": st.sampled_from(("acme", "globex")),
            "project": st.sampled_from(PROJECTS),
            "branch": st.sampled_from(BRANCHES),
            "compute": CREDITS,
            "user": CREDITS,
            "storage": st.sampled_from([Decimal(0), Decimal("0.5")]),
            "price": st.sampled_from([Decimal("0.0006"), Decimal("0.0123456789"), Decimal("0.0123456789"), None]),
            "runs": st.integers(0, 3),
            "run_seconds": st.integers(0, 500),
        }
    ),
    min_size=1,
    max_size=12,
)
CONDITIONS = st.one_of(
    st.fixed_dictionaries({"project": st.sampled_from(PROJECTS)}),
    st.fixed_dictionaries({"project": st.lists(st.sampled_from(PROJECTS), min_size=1, max_size=2)}),
    st.fixed_dictionaries({"branch": st.sampled_from([{"glob": "feature/*"}, {"not": "main"}, "(none)"])}),
    st.fixed_dictionaries({"charge_type": st.sampled_from(["user", ["compute", "storage"]])}),
    st.fixed_dictionaries({"project": st.sampled_from(PROJECTS), "cost_center": st.just({"not": "globex"})}),
)
WHERE = CONDITIONS | st.lists(CONDITIONS, min_size=1, max_size=2)
DATED = {"from": DAYS}
RULES = st.lists(
    st.fixed_dictionaries({"value": st.sampled_from((*TEAMS, "shared", "seats")), "where": WHERE}, optional=DATED),
    min_size=1,
    max_size=6,
)


@st.composite
def splits(draw: st.DrawFn) -> list[dict[str, Any]]:
    drawn = []
    for value in ("shared", "seats"):
        method = draw(st.sampled_from(["none", "even", "fixed", "proportional", "runs", "minutes"]))
        if method == "none":
            continue
        split: dict[str, Any] = {"value": value, "name": f"{value} by {method}", "method": method}
        if method in {"runs", "minutes"}:
            split |= {"method": "telemetry", "by": method}
        if method == "fixed":
            split["shares"] = draw(st.sampled_from([{"red": "0.333", "blue": "0.667"}, {"new": "1"}]))
        elif draw(st.booleans()):
            split["among"] = draw(st.lists(st.sampled_from(TEAMS), min_size=1, unique=True))
        if draw(st.booleans()):
            split["within"] = "cost_center"
        if draw(st.booleans()):
            split["charge_types"] = ["user"]
        split["fallback"] = draw(st.sampled_from(["proportional", "even", "previous", "keep"]))
        drawn.append(split)
    return drawn


@st.composite
def tags(draw: st.DrawFn) -> list[dict[str, Any]]:
    team = {"name": "team", "rules": draw(RULES), "splits": draw(splits())}
    group = {
        "name": "division",
        "default": "rest",
        "rules": [{"value": "colours", "where": {"team": list(TEAMS)}}, {"value_of": "project", "from": DAY}],
    }
    return [team, group]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, tags())
def test_every_row_is_as_computed_independently_and_each_day_adds_up(
    given_rows: list[dict[str, Any]], given_tags: list[dict[str, Any]]
) -> None:
    rows = [daily_cost({**row, "job": f"job {number}"}) for number, row in enumerate(given_rows)]
    with warehouse(({**row, "job": f"job {number}"}) for number, row in enumerate(given_rows)) as connection:
        allocate(connection, plan(*given_tags))
        rows_written = connection.execute(
            "SELECT CAST(replace(job, 'job ', '') AS INTEGER), charge_type, tag, value, rule, source_value, split, "
            "share, jobs, runs, run_seconds, credits, cost_usd FROM allocated_costs"
        ).fetchall()
        sums = "sum(cost_usd), sum(credits), sum(jobs), sum(runs), sum(run_seconds)"
        whole = connection.execute(f"SELECT date, {sums} FROM daily_costs GROUP BY date ORDER BY date").fetchall()
        for tag in given_tags:
            by_day = f"SELECT date, {sums} FROM allocated_costs WHERE tag = $tag GROUP BY date ORDER BY date"
            assert connection.execute(by_day, {"tag": tag["name"]}).fetchall() == whole
        sources = connection.execute(
            "SELECT count(DISTINCT source_row), count(DISTINCT (job, charge_type)) FROM allocated_costs"
        ).fetchall()
    assert sorted(map(_plain, rows_written), key=repr) == [_plain(row) for row in expected(rows, given_tags)]
    assert sources[0][0] == sources[0][1]


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers without closing zeros, so that only their values count."""
    return tuple(str(value.normalize()) if isinstance(value, Decimal) else value for value in row)


def test_the_oracle_knows_all_charge_types() -> None:
    assert set(CHARGE_TYPES) == {name.removesuffix("_credits") for name in daily_cost({}) if name.endswith("_credits")}
