"""What the tools answer, each from a snapshot: the answers of the commands' `--json`, of bounded length.

How a client sees the tools, their names and parameters, is in `tools`.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from circleci_cost.clock import utc_today, utc_yesterday
from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.days import parse_day
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.explorer.asking import ask, days_there_are
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.reports import comparison_shortfalls, report_shortfalls
from circleci_cost.mcp_server.published import Answer
from circleci_cost.model.credits.findings import unknown_days
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.model.incidents.listing import Listing, incident_named
from circleci_cost.model.reporting.report import as_json as report_json
from circleci_cost.model.usage.dimensions import DIMENSIONS
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import did_you_mean
from circleci_cost.text.units import counted
from circleci_cost.warehouse.budgets.budget_status import Periods
from circleci_cost.warehouse.budgets.published_budgets import budgets_json, budgets_tree, unmatched_values
from circleci_cost.warehouse.credits.published_credits import (
    HOW_TO_ENTER,
    credits_json,
    days_of_unknown_usage,
    not_published,
    published_lots,
    published_outlook,
)
from circleci_cost.warehouse.drivers.explanation import AskedChange, explained
from circleci_cost.warehouse.drivers.explanation_json import as_json as explanation_json
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, WINDOW_DAYS, advice_json, read_advice
from circleci_cost.warehouse.efficiency.class_changes import CHANGES, changes_json, read_changes
from circleci_cost.warehouse.efficiency.waste_report import (
    require_waste,
    waste_filters,
    waste_groups,
    waste_json,
    waste_report,
)
from circleci_cost.warehouse.incidents.incidents import (
    incident_json,
    incidents_json,
    read_incidents,
    read_reason,
    require_incidents,
)
from circleci_cost.warehouse.reporting.asked import Asked, asked_days, asked_question, choice, given, number, one_of

MOST_GROUPS = 200
MOST_ROWS = 500
MOST_CHANGES = 100
MOST_INCIDENTS = 100
MOST_JOBS = 100
MOST_LOTS = 200
MOST_STATES = 500
_EFFECTS = 10

Texts = Mapping[str, Sequence[str]]


def dimensions(snapshot: Snapshot) -> Answer:
    """The names to group and filter by, and the days with data."""
    days = days_there_are(snapshot)
    return {
        "dimensions": list(DIMENSIONS),
        "virtual_tags": snapshot.tags,
        "cost_centers": snapshot.cost_centers,
        "from": days.first.isoformat() if days else None,
        "to": days.last.isoformat() if days else None,
    }


def report(texts: Texts, snapshot: Snapshot) -> Answer:
    """As `report --json`: `by`, `from`, `to`, `where`, `granularity`, `sort`, `limit`. Raises `UsageError`."""
    _refuse_more(texts, MOST_GROUPS)
    yesterday = utc_yesterday(snapshot.clock)
    asked = Asked.of_texts(texts)
    question = asked_question(asked, snapshot.settings, snapshot.tags, days_there_are(snapshot), yesterday)
    answer = ask(snapshot, question)
    if len(answer.rows) > MOST_ROWS:
        raise UsageError(
            f"The answer has {counted(len(answer.rows), 'row')}, and {MOST_ROWS} are the most; ask for fewer groups "
            "or days, or a longer granularity."
        )
    return {**report_json(answer), "shortfalls": report_shortfalls(answer, snapshot.lake, snapshot.clock)}


def why(texts: Texts, snapshot: Snapshot) -> Answer:
    """As `explain --json`: `from`, `to`, `against`, `by`, `where`, `limit`. Raises as `explained` does."""
    _refuse_more(texts, MOST_CHANGES)
    explanation = explained(
        snapshot.connection,
        snapshot.generation,
        AskedChange.of_texts(texts),
        lake=snapshot.lake,
        settings=snapshot.settings,
        today=utc_today(snapshot.clock),
    )
    shortfalls = comparison_shortfalls(explanation.costs, snapshot.lake, snapshot.clock)
    return {**explanation_json(explanation), "shortfalls": shortfalls}


def budgets(texts: Texts, snapshot: Snapshot) -> Answer:
    """As `budgets --json`: the states of the `period`, with the number of `further` ones. Raises `UsageError`."""
    period = one_of(texts, "period", lambda text: choice(Periods, "period", text)) or Periods.CURRENT
    usable = usable_budgets(snapshot.settings)
    configured = [budget.name for budget in usable.budgets]
    rows = budgets_tree(snapshot.connection, snapshot.generation, period, configured)
    notes = unmatched_values(snapshot.connection, snapshot.generation, usable.budgets)
    return {
        **budgets_json(snapshot.generation, rows[:MOST_STATES]),
        "further": len(rows[MOST_STATES:]),
        "shortfalls": [*notes, *(str(problem) for problem in usable.problems)],
    }


def anomalies(texts: Texts, snapshot: Snapshot) -> Answer:
    """As `anomalies --json`: those `since` a day; without one the current ones. Raises `UsageError`."""
    require_incidents(snapshot.generation)
    listed = Listing(one_of(texts, "since", parse_day)).chosen(read_incidents(snapshot.connection).to_dicts())
    return {
        **incidents_json(snapshot.generation, listed[:MOST_INCIDENTS]),
        "further": len(listed[MOST_INCIDENTS:]),
    }


def anomaly(incident_id: str, snapshot: Snapshot) -> Answer:
    """As `anomalies --incident ID --json`. Raises `UsageError` for an id that there is not."""
    require_incidents(snapshot.generation)
    row = incident_named(read_incidents(snapshot.connection).to_dicts(), incident_id)
    return incident_json(row, read_reason(snapshot.connection, row["incident_id"], _EFFECTS))


def credits(snapshot: Snapshot) -> Answer:
    """As `credits --json`: how long the credits last, and the newest lots, with the number of `further_lots`."""
    usable = usable_credits(snapshot.settings)
    outlook = published_outlook(snapshot.connection, snapshot.generation)
    if outlook.is_empty() and not usable.centers:
        raise CircleciCostError(HOW_TO_ENTER.format(source=snapshot.settings.described_source))
    lots = published_lots(snapshot.connection) if outlook.height else pl.DataFrame({"bought_on": []})
    newest = lots.filter(pl.col("bought_on").rank("ordinal", descending=True) <= MOST_LOTS)
    configured = [center.cost_center for center in usable.centers]
    missing = not_published(configured, outlook, snapshot.generation)
    unknown = unknown_days(days_of_unknown_usage(snapshot.connection)) if outlook.height else ()
    return {
        **credits_json(snapshot.generation, outlook, newest),
        "further_lots": lots.height - newest.height,
        "shortfalls": [*([missing] if missing else []), *unknown, *(str(problem) for problem in usable.problems)],
    }


def waste(texts: Texts, snapshot: Snapshot) -> Answer:
    """As `waste --json`: `by`, `from`, `to`, `where`, `limit`. Raises `UsageError`."""
    require_waste(snapshot.generation)
    days = asked_days(
        one_of(texts, "from", parse_day),
        one_of(texts, "to", parse_day),
        days_there_are(snapshot),
        utc_yesterday(snapshot.clock),
    )
    filters = waste_filters(snapshot.connection, given(texts, "where"))
    limit = one_of(texts, "limit", lambda text: number(text, "limit", MOST_GROUPS))
    report = waste_report(snapshot.connection, days, waste_groups(given(texts, "by")), filters, limit)
    return waste_json(report, snapshot.generation)


def classes(texts: Texts, snapshot: Snapshot) -> Answer:
    """As `classes --json` and `classes --changes --json`: the largest savings, all candidates of the `jobs` named.

    Raises `UsageError` for a job that there is not.
    """
    for table in (ADVICE, CHANGES):
        if table not in snapshot.generation.manifest.rows:
            raise CircleciCostError(f"No advice on classes is published yet; {snapshot.generation.how_to_publish}.")
    jobs = given(texts, "jobs")
    every_advice, every_change = read_advice(snapshot.connection), read_changes(snapshot.connection)
    known = pl.concat([every_advice["job"], every_change["job"]]).drop_nulls().unique().sort().to_list()
    for job in jobs:
        if job not in known:
            hint = did_you_mean(job, known) or f"ask without jobs for those of the last {WINDOW_DAYS} days."
            raise UsageError(f"There is nothing about classes of the job {quoted(job)}; {hint}")
    advice = advice_listing.chosen(every_advice, jobs, every=False)
    changes = change_listing.chosen(every_change, jobs)
    return {
        **advice_json(snapshot.generation, advice.head(MOST_JOBS)),
        "further_advice": max(advice.height - MOST_JOBS, 0),
        **changes_json(snapshot.generation, changes.head(MOST_JOBS)),
        "further_changes": max(changes.height - MOST_JOBS, 0),
    }


def _refuse_more(texts: Texts, most: int) -> None:
    one_of(texts, "limit", lambda text: number(text, "limit", most))
