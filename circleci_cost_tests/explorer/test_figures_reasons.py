"""Which changes of the start page have a link to their reasons."""

from datetime import date

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.explore import drill
from circleci_cost.explorer.pages.explore.state import Form, Sort, State
from circleci_cost.model.reporting.comparison import Compared
from circleci_cost.model.reporting.filters import parse_filters
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.model.reporting.report import Granularity

_NOW, _BEFORE = (DayRange(date(2026, month, 1), date(2026, month, 7)) for month in (2, 1))


def test_a_change_that_two_tags_narrow_down_has_no_link_to_reasons_that_cannot_be_told() -> None:
    state = State(
        address=Address("/"),
        days=_NOW,
        preset=None,
        by=("team", "project"),
        filters=parse_filters(["env=prod"], ["team", "env"]),
        granularity=Granularity.DAY,
        metric=Metric.COST,
        compare="previous",
        form=Form.BARS,
        sort=Sort.VALUE,
        shows_all_rows=False,
    )
    compared = Compared(_NOW, _BEFORE)
    assert drill.why(state, compared, ("web", "docs")) is None
    assert str(drill.why(state, compared)) == (
        "/why?from=2026-02-01&to=2026-02-07&against=2026-01-01%3A2026-01-07&where=env%3Dprod"
    )
