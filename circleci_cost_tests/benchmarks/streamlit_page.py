"""The explorer's first page as a Streamlit page: the same questions, answered by the same functions.

`explorer_page` serves it, in an environment of its own, to measure what such a page takes. The folder of the demo's
data is its one argument.
"""

import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import streamlit

from circleci_cost.day_ranges import DayRange
from circleci_cost.lake.layout import Lake
from circleci_cost.model.reporting.report import Granularity, Question, Report
from circleci_cost.warehouse.publishing.generations import Generation, current_generation
from circleci_cost.warehouse.reporting.report import answer, days_with_data, published_tags

DIMENSIONS = ("project", "job", "workflow", "resource_class", "organization", "executor", "trigger_source")
DAYS = 30
KEYS = 9
ROWS = 1000


def _current() -> Generation:
    return current_generation(Lake(Path(sys.argv[1])))


def _opened() -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = generation().connect()
    connection.execute("SET memory_limit = '160MB'; SET threads = 2")
    return connection


# All visitors share them.
generation = streamlit.cache_resource(_current)
database = streamlit.cache_resource(_opened)


def ask(connection: duckdb.DuckDBPyConnection, question: Question) -> Report:
    """Answer a question of all cost centers."""
    return answer(connection, generation(), question, (), None)


def show(connection: duckdb.DuckDBPyConnection) -> None:
    """Draw the page."""
    streamlit.set_page_config(page_title="CI cost", layout="wide")
    by = str(streamlit.selectbox("Group by", [*DIMENSIONS, *published_tags(connection, generation())]))
    days = days_with_data(connection)
    if days is None:
        return
    now = DayRange(days.last - timedelta(days=DAYS - 1), days.last)
    before = DayRange(now.first - timedelta(days=DAYS), now.first - timedelta(days=1))
    groups = ask(connection, Question(now.first, now.last, (by,), limit=ROWS))
    series = ask(connection, Question(now.first, now.last, (by,), granularity=Granularity.DAY, limit=KEYS))
    earlier = ask(connection, Question(before.first, before.last, (by,), limit=ROWS))
    total, former = (float(report.total.cost or 0) for report in (groups, earlier))
    cards = streamlit.columns(3)
    cards[0].metric("Cost", f"${total:,.2f}", f"{total - former:,.2f}", delta_color="inverse")
    cards[1].metric("A day", f"${total / DAYS:,.2f}")
    cards[2].metric("Unpriced credits", f"{groups.total.unpriced_credits:,.0f}")
    drawn = [
        {"day": row.period, by: row.values[0], "USD": float(row.amount.cost or 0)}
        for row in series.rows
        if row.period is not None
    ]
    with streamlit.container(key=f"by-{by}"):
        streamlit.bar_chart(drawn, x="day", y="USD", color=by)
    former_costs = {row.values: row.amount.cost for row in earlier.rows}
    streamlit.dataframe(
        [
            {by: row.values[0], "USD": row.amount.cost, "before": former_costs.get(row.values), "runs": row.amount.runs}
            for row in groups.rows
        ]
    )


with database().cursor() as cursor:
    show(cursor)
