"""The written tables of anomalies: exact sums of each series, incidents with their ids, all of it or nothing."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.measures import MEASURES
from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR
from circleci_cost.model.incidents.decisions import DECISION_SCHEMA, NO_DECISIONS, undecided_status
from circleci_cost.warehouse.anomalies.cost_anomalies import KEPT_DAYS, AnomalySummary, write_anomalies
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost_tests.warehouse.allocation.builders import PRICE, daily_cost
from circleci_cost_tests.warehouse.budgets.builders import allocated, known

FIRST = date(2026, 3, 2)  # a Monday
DAYS, AT = 50, 43  # a Tuesday
SETTINGS = Anomalies(minimum_impact_usd=Decimal("0.01"), minimum_impact_share=Decimal("0.05"))
WEEK = (100, 110, 115, 110, 90, 15, 15)
Row = dict[str, Any]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def usage(seed: int, changes: Mapping[int, float] | None = None, days: int = DAYS, **fields: Any) -> list[Row]:
    """A job's daily costs: runs around a weekday profile, of about ten credits each; factors on them from a day on."""
    draw = np.random.default_rng(seed)
    factor = 1.0
    rows = []
    for number in range(days):
        factor = (changes or {}).get(number, factor)
        runs = int(draw.poisson(WEEK[number % 7]) * factor)
        credits = Decimal(int(runs * 10 + draw.normal(0, np.sqrt(runs)))) + Decimal("0.000001")
        if runs:
            rows.append({"date": day(number), "compute": credits, "dlc": "0.25", "runs": runs, **fields})
    return rows


def filled(rows: Iterable[Row], days: int = DAYS, centers: Iterable[str] = ("acme",)) -> duckdb.DuckDBPyConnection:
    """A warehouse with these rows, all of whose days are known."""
    connection = duckdb.connect()
    costs = []
    for row in rows:
        runs = row.get("runs", 1)
        more = {"executor": "docker", "run_seconds": runs * 60, "credits_squared": Decimal(runs * 101)}
        costs.append(daily_cost(row | {"run_seconds": runs * 60}) | more)
    decimals = {
        name: pl.Decimal(38, 16 if name.endswith("usd") else 6)
        for name in costs[0]
        if name.endswith(("credits", "usd"))
    }
    with transaction(connection):
        connection.register("new_rows", pl.DataFrame(costs, schema_overrides=decimals, infer_schema_length=None))
        connection.execute("INSERT INTO daily_costs BY NAME SELECT * FROM new_rows")
    known(connection, [day(number) for number in range(days)], centers)
    return connection


def write(connection: duckdb.DuckDBPyConnection, decisions: pl.DataFrame = NO_DECISIONS) -> AnomalySummary:
    return write_anomalies(connection, SETTINGS, DEFAULT_CALENDAR, decisions)


def rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query, parameters).fetchall()


def incidents(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(
        connection, "SELECT series_kind, series, kind, direction, first_day FROM anomaly_incidents ORDER BY ALL"
    )


@pytest.fixture(scope="module")
def jobs() -> list[Row]:
    """Two projects; one job of the first has tripled."""
    return [
        *usage(1, {AT: 3.0}, project="web", workflow="build", job="test"),
        *usage(2, project="web", workflow="build", job="lint"),
        *usage(3, project="api", workflow="deploy", job="ship", resource_class="large"),
    ]


def test_values_of_every_level_are_the_sums_to_the_last_digit(jobs: list[Row]) -> None:
    connection = filled([*jobs, {"date": day(AT), "compute": "5", "user": "25000", "storage": "0.1", "network": "7"}])
    write(connection)
    run_cost = "sum(cost_usd - user_cost_usd - storage_cost_usd - network_cost_usd - ipranges_cost_usd)"
    for kind, names in {
        "cost_center": ["cost_center"],
        "organization": ["organization"],
        "project": ["organization", "project"],
        "workflow": ["organization", "project", "workflow"],
        "job": ["organization", "project", "workflow", "job"],
        "resource_class": ["organization", "executor", "resource_class"],
    }.items():
        columns = ", ".join(names)
        judged = rows(
            connection,
            f"SELECT {columns}, date, value FROM cost_anomalies WHERE measure = 'cost' AND series_kind = $kind "
            "ORDER BY ALL",
            kind=kind,
        )
        wanted = rows(
            connection, f"SELECT {columns}, date, {run_cost} FROM daily_costs GROUP BY {columns}, date ORDER BY ALL"
        )
        assert judged == wanted, kind
        assert isinstance(judged[0][-1], Decimal)


def test_bookings_are_judged_apart_from_what_runs_cost(jobs: list[Row]) -> None:
    seats = [{"date": day(number), "user": "25000", "job": "lint"} for number in range(0, DAYS, 7)]
    storage = [{"date": day(number), "storage": "100.5", "job": "lint"} for number in range(DAYS)]
    connection = filled([*jobs, *seats, *storage])
    write(connection)
    bookings = rows(
        connection,
        "SELECT charge_type, series, count(*), sum(value), count(*) FILTER (is_anomaly) FROM cost_anomalies "
        "WHERE series_kind = 'charge_type' GROUP BY ALL ORDER BY ALL",
    )
    assert [(name, series, days, total) for name, series, days, total, _ in bookings] == [
        ("storage", "acme / storage", DAYS, Decimal("100.5") * PRICE * DAYS),
        ("user", "acme / user", DAYS, Decimal(25000) * PRICE * 8),
    ]
    assert dict((name, count) for name, *_, count in bookings)["storage"] == 0
    assert incidents(connection) == [("job", "acme / web / build / test", "level_shift", "up", day(AT))]


def test_storage_that_grows_at_once_is_an_incident_of_its_charge_type(jobs: list[Row]) -> None:
    quiet = [*usage(1), *usage(2, project="api")]
    storage = [{"date": day(number), "storage": "1000" if number < AT else "9000"} for number in range(DAYS)]
    connection = filled([*quiet, *storage])
    write(connection)
    (row,) = rows(
        connection, "SELECT series_kind, series, charge_type, first_day, status, actual_usd FROM anomaly_incidents"
    )
    assert row[:4] == ("charge_type", "acme / storage", "storage", day(AT))
    last_day = rows(connection, "SELECT last_day FROM anomaly_incidents")[0][0]
    assert row[5] == Decimal(9000) * PRICE * ((last_day - day(AT)).days + 1)


def test_each_level_is_judged_by_its_measures(jobs: list[Row]) -> None:
    connection = filled(jobs)
    write(connection)
    measures = dict(
        rows(connection, "SELECT series_kind, list(DISTINCT measure ORDER BY measure) FROM cost_anomalies GROUP BY ALL")
    )
    all_measures = sorted(MEASURES)
    assert measures == {
        "cost_center": all_measures,
        "organization": all_measures,
        "project": all_measures,
        **{kind: ["cost"] for kind in ("workflow", "job", "resource_class")},
    }
    values = dict(
        rows(
            connection,
            "SELECT measure, value FROM cost_anomalies WHERE project = 'api' AND series_kind = 'project' "
            "AND date = $day",
            day=day(AT),
        )
    )
    credits, runs = rows(
        connection, "SELECT credits, runs FROM daily_costs WHERE project = 'api' AND date = $day", day=day(AT)
    )[0]
    assert (values["credits"], values["runs"], values["minutes_per_run"]) == (credits, runs, 1)
    assert values["cost"] == credits * PRICE
    assert values["credits_per_run"] == pytest.approx(credits / runs, abs=Decimal("0.000001"))


def test_an_incident_has_the_exact_cost_of_its_days_and_the_names_of_its_series(jobs: list[Row]) -> None:
    connection = filled(jobs)
    summary = write(connection)
    (row,) = summary.incidents.to_dicts()
    assert (row["cost_center"], row["organization"], row["project"], row["workflow"], row["job"]) == (
        "acme",
        "acme",
        "web",
        "build",
        "test",
    )
    (exact,) = rows(
        connection,
        "SELECT sum(cost_usd) FROM daily_costs WHERE job = 'test' AND date BETWEEN $first AND $last",
        first=row["first_day"],
        last=row["last_day"],
    )[0]
    assert row["actual_usd"] == exact
    assert row["impact_usd"] == pytest.approx(row["actual_usd"] - row["expected_usd"], abs=Decimal("0.00001"))
    assert (row["data_through"], row["reason"], row["decided_until"]) == (day(DAYS - 1), None, None)
    assert (summary.through, summary.rows) == (
        {"acme": day(DAYS - 1)},
        rows(connection, "SELECT count(*) FROM cost_anomalies")[0][0],
    )
    assert summary.series == 1 + 1 + 2 + 2 + 3 + 2
    assert (summary.quality.too_short, summary.quality.series) == (0, summary.series)


def test_days_that_are_missing_or_incomplete_are_not_judged(jobs: list[Row]) -> None:
    connection = filled(jobs)
    connection.execute("DELETE FROM usage_days WHERE date = $day", {"day": day(30)})
    connection.execute(
        "UPDATE usage_days SET complete = false WHERE date IN ($one, $other)", {"one": day(31), "other": day(DAYS - 1)}
    )
    summary = write(connection)
    judged = rows(
        connection,
        "SELECT DISTINCT date, value, expected, is_anomaly, note FROM cost_anomalies WHERE date IN ($a, $b) "
        "ORDER BY date",
        a=day(30),
        b=day(31),
    )
    assert judged == [(day(number), None, None, False, "the day is not completely known") for number in (30, 31)]
    assert summary.through == {"acme": day(DAYS - 2)}
    assert rows(connection, "SELECT max(date) FROM cost_anomalies") == [(day(DAYS - 2),)]


def test_a_complete_day_without_any_row_is_an_outage_of_the_organization() -> None:
    quiet = [row for row in [*usage(1), *usage(2, project="api")] if row["date"] != day(AT)]
    connection = filled(quiet)
    write(connection)
    assert incidents(connection) == [("organization", "acme", "outage", "down", day(AT))]
    (incident,) = rows(connection, "SELECT actual_usd, last_day FROM anomaly_incidents")
    assert incident == (Decimal(0), day(AT))


def test_resource_classes_are_shown_and_are_no_incidents(jobs: list[Row]) -> None:
    connection = filled(usage(1, {AT: 3.0}, resource_class="large") + usage(2, project="api"))
    write(connection)
    alarms = rows(connection, "SELECT count(*) FROM cost_anomalies WHERE series_kind = 'resource_class' AND is_anomaly")
    assert alarms[0][0] > 0
    assert "resource_class" not in {kind for kind, *_ in incidents(connection)}
    shown = rows(
        connection,
        "SELECT DISTINCT series, executor, resource_class FROM cost_anomalies WHERE series_kind = 'resource_class' "
        "ORDER BY 1",
    )
    assert shown == [("acme / docker large", "docker", "large"), ("acme / docker medium", "docker", "medium")]


def test_an_incident_is_of_the_only_organization_or_of_the_cost_center_of_several() -> None:
    shifted = {AT: 2.0}
    single = filled([*usage(1, shifted), *usage(2, shifted, project="api")])
    write(single)
    assert [row[:2] for row in incidents(single)] == [("organization", "acme")]
    several = filled([*usage(1, shifted), *usage(2, shifted, organization="labs", project="api")])
    write(several)
    assert [row[:2] for row in incidents(several)] == [("cost_center", "acme")]


def test_two_cost_centers_with_organizations_of_one_name_are_told_apart() -> None:
    both = [*usage(1, {AT: 3.0}), *usage(2, {AT: 3.0}, cost_center="other")]
    connection = filled(both, centers=["acme", "other"])
    write(connection)
    first_days = rows(connection, "SELECT DISTINCT cost_center, first_day FROM anomaly_incidents ORDER BY ALL")
    assert first_days == [("acme", day(AT)), ("other", day(AT))]
    double = rows(
        connection,
        "SELECT measure, cost_center, series_kind, series, date FROM cost_anomalies GROUP BY ALL HAVING count(*) > 1",
    )
    assert double == []


def test_names_with_slashes_are_told_apart() -> None:
    slashes = usage(1, {AT: 3.0}, workflow="a / b", job="c")
    other = usage(2, {AT: 3.0}, workflow="a", job="b / c")
    connection = filled([*slashes, *other])
    write(connection)
    sums = rows(
        connection,
        "SELECT workflow, job, sum(value) FROM cost_anomalies WHERE series_kind = 'job' GROUP BY ALL ORDER BY ALL",
    )
    wanted = rows(connection, "SELECT workflow, job, sum(cost_usd) FROM daily_costs GROUP BY ALL ORDER BY ALL")
    assert sums == wanted


def teams(projects: int, web: Mapping[int, float]) -> list[Row]:
    """Allocated costs of two teams, each of so many projects; one of them has changed."""
    factor = 1.0
    costs: list[Row] = []
    for number in range(DAYS):
        factor = web.get(number, factor)
        usual = projects * WEEK[number % 7] * 10
        costs += [
            {"date": day(number), "value": "web", "credits": int(usual * factor)},
            {"date": day(number), "value": "api", "credits": usual},
            {"date": day(number), "value": "web", "credits": 25000, "charge_type": "user"},
        ]
    return costs


def test_teams_are_judged_by_run_bound_cost_and_reported_where_the_hierarchy_has_no_incident() -> None:
    quiet = [*usage(1), *usage(2, project="api")]
    connection = filled(quiet)
    allocated(connection, teams(2, {AT: 2.0}))
    write(connection)
    assert incidents(connection) == [("tag", "team=web", "level_shift", "up", day(AT))]
    named = rows(connection, "SELECT cost_center, organization, tag, tag_value FROM anomaly_incidents")
    assert named == [(None, None, "team", "web")]
    (value,) = rows(connection, "SELECT value FROM cost_anomalies WHERE tag_value = 'web' AND date = $day", day=day(1))[
        0
    ]
    assert value == 2 * WEEK[1] * 10 * PRICE


def test_teams_are_not_reported_where_the_hierarchy_has_the_incident(jobs: list[Row]) -> None:
    connection = filled(jobs)
    allocated(connection, teams(2, {AT: 2.0}))
    write(connection)
    assert incidents(connection) == [("job", "acme / web / build / test", "level_shift", "up", day(AT))]
    assert rows(connection, "SELECT count(*) > 0 FROM cost_anomalies WHERE tag_value = 'web' AND is_anomaly") == [
        (True,)
    ]


def test_without_a_complete_day_the_tables_are_empty() -> None:
    empty = duckdb.connect()
    unknown = filled(usage(1))
    unknown.execute("UPDATE usage_days SET complete = false")
    for connection in (empty, unknown):
        summary = write(connection)
        assert (summary.rows, summary.incidents.height, summary.through) == (0, 0, {})
        assert rows(connection, "SELECT count(*) FROM cost_anomalies") == [(0,)]
        assert rows(connection, "SELECT count(*) FROM anomaly_incidents") == [(0,)]


def test_what_was_written_is_replaced_as_a_whole(jobs: list[Row]) -> None:
    connection = filled(jobs)
    write(connection)
    before = (
        rows(connection, "SELECT * FROM cost_anomalies ORDER BY ALL"),
        rows(connection, "SELECT * FROM anomaly_incidents"),
    )
    write(connection)
    assert (
        rows(connection, "SELECT * FROM cost_anomalies ORDER BY ALL"),
        rows(connection, "SELECT * FROM anomaly_incidents"),
    ) == before
    connection.execute("DELETE FROM daily_costs WHERE project = 'web'")
    write(connection)
    assert rows(connection, "SELECT count(*) FROM cost_anomalies WHERE project = 'web'") == [(0,)]
    assert incidents(connection) == []


def test_a_failure_leaves_the_former_rows(jobs: list[Row]) -> None:
    connection = filled(jobs)
    write(connection)
    before = rows(connection, "SELECT count(*) FROM cost_anomalies"), incidents(connection)
    twice = pl.concat([decision("expected", incident_of(connection))] * 2)
    with pytest.raises(duckdb.ConstraintException):
        write(connection, twice)
    assert (rows(connection, "SELECT count(*) FROM cost_anomalies"), incidents(connection)) == before
    write(connection)
    assert incidents(connection) == before[1]


def incident_of(connection: duckdb.DuckDBPyConnection) -> str:
    (row,) = rows(connection, "SELECT incident_id FROM anomaly_incidents")
    return str(row[0])


def decision(what: str, incident: str, until: date | None = None) -> pl.DataFrame:
    return pl.DataFrame([(incident, what, "load test", until, 2)], schema=DECISION_SCHEMA, orient="row")


def test_decisions_are_written_while_they_hold(jobs: list[Row]) -> None:
    connection = filled(jobs)
    write(connection)
    incident = incident_of(connection)
    status = "SELECT status, reason, decided_until FROM anomaly_incidents"
    (usual,) = rows(connection, status)
    last = day(DAYS - 1)
    write(connection, decision("expected", incident, last))
    assert rows(connection, status) == [("expected", "load test", last)]
    undecided = undecided_status()
    assert connection.sql("SELECT * FROM anomaly_incidents").pl().select(undecided).rows() == [usual[:1]]
    write(connection, decision("ignored", incident, last - timedelta(days=1)))
    assert rows(connection, status)[0][0] == usual[0]


def test_an_incident_keeps_its_id_over_five_days_that_restate_the_ones_before(jobs: list[Row]) -> None:
    connection = filled(jobs)
    seen = []
    for number in range(AT + 1, AT + 6):
        connection.execute("UPDATE usage_days SET complete = date <= $day", {"day": day(number)})
        # Late runs of the last four days, too few to be anything of their own.
        restated = {"since": day(number - 4), "more": Decimal(3)}
        connection.execute(
            "UPDATE daily_costs SET credits = credits + $more, compute_credits = compute_credits + $more, "
            "cost_usd = (credits + $more) * price_per_credit, "
            "compute_cost_usd = (compute_credits + $more) * price_per_credit "
            "WHERE date > $since",
            restated,
        )
        write(connection)
        seen.append(rows(connection, "SELECT incident_id, job, first_day FROM anomaly_incidents"))
    assert [incident for incident in seen if incident != seen[0]] == []
    assert [row[1:] for row in seen[0]] == [("test", day(AT))]


def test_day_by_day_an_incident_whose_level_becomes_known_keeps_its_id_and_what_was_told() -> None:
    """A job triples, and two days later the other jobs of its project do as well: the project has."""
    later = {AT + 2: 3.0}
    connection = filled(
        [
            *usage(1, {AT: 3.0}, project="web", workflow="build", job="test"),
            *usage(2, later, project="web", workflow="build", job="lint"),
            *usage(3, later, project="web", workflow="deploy", job="ship"),
            *usage(4, project="api", workflow="deploy", job="ship"),
        ]
    )
    columns = "SELECT incident_id, told_on, told_usd_per_day, series FROM anomaly_incidents ORDER BY told_on, series"
    seen = []
    for number in range(AT, AT + 5):
        connection.execute("UPDATE usage_days SET complete = date <= $day", {"day": day(number)})
        write(connection)
        seen += [(day(number), *row) for row in rows(connection, columns)]
    (_, first, told_on, *_), *_ = seen
    assert [(series, told) for day, incident, told, _, series in seen if incident == first] == [
        *[("acme / web / build / test", told_on)] * 2,
        *[("acme / web", told_on)] * 3,
    ]
    assert [row for row in seen if row[0] == day(AT + 4)] == [(day(AT + 4), first, *seen[0][2:4], "acme / web")]
    # Nobody finds an incident in the list that claims to have been there before.
    appeared = {incident: (when, told) for when, incident, told, *_ in reversed(seen)}
    assert [days for days in appeared.values() if days[0] != days[1]] == []


def test_of_old_days_only_the_anomalies_are_kept() -> None:
    long = KEPT_DAYS + 40
    connection = filled([*usage(1, {30: 4.0, 31: 1.0}, days=long), *usage(2, days=long, project="api")], days=long)
    write(connection)
    early = rows(
        connection,
        "SELECT count(*), count(*) FILTER (NOT is_anomaly) FROM cost_anomalies WHERE date <= $day",
        day=day(long - 1 - KEPT_DAYS),
    )
    assert early[0][0] > 0
    assert early[0][1] == 0
    late = rows(
        connection, "SELECT count(DISTINCT date) FROM cost_anomalies WHERE date > $day", day=day(long - 1 - KEPT_DAYS)
    )
    assert late == [(KEPT_DAYS,)]


def test_a_day_without_a_price_costs_nothing_and_is_no_anomaly() -> None:
    some = usage(1) + usage(2, project="api")
    unpriced = [row | {"price": None} if row["date"] == day(AT) else row for row in some]
    connection = filled(unpriced)
    write(connection)
    assert rows(
        connection, "SELECT DISTINCT value FROM cost_anomalies WHERE measure = 'cost' AND date = $day", day=day(AT)
    ) == [(Decimal(0),)]
    assert incidents(connection) == []


def test_a_new_price_is_one_incident_of_the_organization(jobs: list[Row]) -> None:
    some = usage(1) + usage(2, project="api") + [{"date": day(number), "storage": "5000"} for number in range(DAYS)]
    dearer = [row | {"price": PRICE * 2} if row["date"] >= day(AT) else row for row in some]
    connection = filled(dearer)
    write(connection)
    assert incidents(connection) == [("organization", "acme", "price_change", "up", day(AT))]


def test_credits_squared_may_be_unknown_on_some_days(jobs: list[Row]) -> None:
    connection = filled(jobs)
    connection.execute("UPDATE daily_costs SET credits_squared = NULL WHERE date < $day", {"day": day(20)})
    write(connection)
    assert ("job", "acme / web / build / test") in {row[:2] for row in incidents(connection)}
