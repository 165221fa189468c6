"""Answers from a rollup are those from all costs, to the last digit; what it cannot answer is asked of all costs."""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.asking import ask
from circleci_cost.model.reporting.filters import parse_filters
from circleci_cost.model.reporting.report import Granularity, Order, Question
from circleci_cost.warehouse.reporting.rollup import Rollup, roll_up
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.serving import Site

_EXAMPLES = 60 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 6
_LAST = NOW.date() - timedelta(days=1)
_NOW = DayRange(_LAST - timedelta(days=29), _LAST)
_BEFORE = DayRange(_LAST - timedelta(days=79), _LAST - timedelta(days=50))
_DIMENSIONS = ["organization", "project", "job", "branch", "charge_type", "team"]
_FILTERS = ["project=web-app", "project!=web-app", "job~test", "team=web", "charge_type=user", "organization=acme"]


@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    by=st.lists(st.sampled_from(_DIMENSIONS), max_size=2, unique=True),
    where=st.lists(st.sampled_from(_FILTERS), max_size=2, unique=True),
    granularity=st.sampled_from([None, *Granularity]),
    order=st.sampled_from(list(Order)),
)
def test_a_rollup_gives_the_same_answers(
    site: Site, by: list[str], where: list[str], granularity: Granularity | None, order: Order
) -> None:
    filters = parse_filters(where, ["team"])
    with site.explorer.snapshots.take(site.settings) as snapshot:
        whole = Question(_NOW.first, _NOW.last, tuple(by), filters)
        rollup = roll_up(snapshot.connection, whole, [_NOW, _BEFORE], snapshot.cost_centers)
        for days in (_NOW, _BEFORE):
            for groups in (tuple(by), tuple(by[:1]), ()):
                question = Question(days.first, days.last, groups, filters, granularity, 5, order)
                assert ask(snapshot, question, rollup) == ask(snapshot, question)


@pytest.mark.parametrize(
    "question",
    [
        Question(_NOW.first, _NOW.last, ("job",)),
        Question(_BEFORE.first, _NOW.last, ("project",)),
        Question(_NOW.first, _NOW.last, ("project",), parse_filters(["job=lint"])),
        Question(_NOW.first, _NOW.last, ("project", "charge_type")),
    ],
    ids=["other groups", "days between", "other filters", "charge types"],
)
def test_a_rollup_answers_no_other_question(question: Question) -> None:
    assert not Rollup(Question(_NOW.first, _NOW.last, ("project",)), (_NOW, _BEFORE), ()).answers(question)
