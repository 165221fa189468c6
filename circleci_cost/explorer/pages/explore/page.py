"""The start page, put together: figures, cards, chart, table and controls of one state."""

from circleci_cost.config.trigger_user_names import usable_user_names
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.marks import marks
from circleci_cost.explorer.page import Answer, Content, MovedTo, Page
from circleci_cost.explorer.pages.explore import downloads, filtering, runs
from circleci_cost.explorer.pages.explore.cards import cards_of
from circleci_cost.explorer.pages.explore.chart import chart_of, colors_of
from circleci_cost.explorer.pages.explore.controls import controls_of
from circleci_cost.explorer.pages.explore.drill import RUNS_PATH, where
from circleci_cost.explorer.pages.explore.figures import Figures, read_figures
from circleci_cost.explorer.pages.explore.month_end import month_end
from circleci_cost.explorer.pages.explore.state import ALL_ROWS, PATH, State, read_state
from circleci_cost.explorer.pages.explore.table import table_of
from circleci_cost.explorer.periods import before_words, days_menu
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.reports import report_shortfalls
from circleci_cost.model.reporting.report import not_final_text
from circleci_cost.model.usage.dimensions import TRIGGER_USER


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """Answer the questions of an address, all from one generation."""
    if address.one("compare_from") and address.one("compare_to"):
        # The form names two days; in an address they are one value.
        named = f"{address.one('compare_from')}:{address.one('compare_to')}"
        return MovedTo(address.changed(compare=named, compare_from=None, compare_to=None))
    state = read_state(address, snapshot)
    figures = read_figures(state, snapshot)
    forecast = month_end(state, snapshot, figures.rollup)
    colors = colors_of(figures, snapshot)
    noted = marks(snapshot.connection, snapshot.settings, state.days)
    problems = [str(problem) for problem in noted.problems]
    if TRIGGER_USER in state.question().of_runs:
        problems += [str(problem) for problem in usable_user_names(snapshot.settings).problems]
    return Content(
        "explore.html",
        {
            "state": state,
            "address": address,
            "figures": figures,
            "controls": controls_of(state, snapshot),
            "days_menu": days_menu(address, state.preset, state.days),
            "chips": filtering.chips_of(state),
            "cards": cards_of(figures, forecast),
            "chart": chart_of(figures, forecast, colors, noted.marks),
            "marks": noted.marks,
            "shortfalls": [*report_shortfalls(figures.groups, snapshot.lake, snapshot.clock), *problems],
            "not_final": not_final_text(figures.groups),
            "table": table_of(figures, colors),
            "compared_words": _compared_words(figures),
            "all_rows": str(address.changed(rows=ALL_ROWS)),
            "csv": str(_download(state, downloads.CSV_PATH, with_periods=False)),
            "csv_by_period": str(_download(state, downloads.CSV_PATH, with_periods=True)),
            "json": str(_download(state, downloads.JSON_PATH, with_periods=False)),
            "fixed": str(
                address.changed(period=None, from_=state.days.first.isoformat(), to=state.days.last.isoformat())
            ),
        },
    )


def _compared_words(figures: Figures) -> str | None:
    """What the changes are against, and of which days where those are not all that are shown."""
    if figures.before is None:
        return None
    words = before_words(figures.before.compared)
    return f"{words}, of {figures.before.compared.current} alone" if figures.is_cut else words


def _download(state: State, path: str, *, with_periods: bool) -> Address:
    """The same report at another path, its days named: a saved address stays the same report."""
    return Address(path).changed(
        from_=state.days.first.isoformat(),
        to=state.days.last.isoformat(),
        by=state.by,
        where=where(state, ()),
        granularity=state.granularity.value if with_periods else None,
    )


PAGE = Page(
    "explore",
    PATH,
    "Explorer",
    respond,
    more=(
        (RUNS_PATH, runs.respond),
        (filtering.FILTER_PATH, filtering.respond),
        (filtering.APPLY_PATH, filtering.apply),
        (downloads.CSV_PATH, downloads.csv),
        (downloads.JSON_PATH, downloads.json),
    ),
)
