"""Questions from texts, as an address or a command line has them."""

from datetime import date

import pytest

from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.reporting.report import Granularity, Order, Question
from circleci_cost.warehouse.reporting.asked import Asked, asked_question

AVAILABLE = DayRange(date(2026, 1, 1), date(2026, 3, 31))
YESTERDAY = date(2026, 4, 2)
CENTER = {
    "name": "acme",
    "organization_id": "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04",
    "pricing": [{"price_per_credit": "0.0006", "effective_from": AVAILABLE.first}],
}
SETTINGS = Settings.model_validate(
    {
        "history_start": AVAILABLE.first,
        "cost_centers": [CENTER],
        "virtual_tags": [{"name": "team", "rules": [{"value_of": "project"}]}, {"name": "stage"}],
    }
)


def question(**texts: str | list[str]) -> Question:
    """The question of an address; `from_` is `from`."""
    lists = {name.rstrip("_"): [text] if isinstance(text, str) else text for name, text in texts.items()}
    return asked_question(Asked.of_texts(lists), SETTINGS, ["team"], AVAILABLE, YESTERDAY)


def test_nothing_asked_is_the_whole_of_the_days_there_are() -> None:
    assert question() == Question(AVAILABLE.first, AVAILABLE.last)
    empty = {"from_": "", "to": "", "by": "", "where": "", "granularity": "", "sort": "", "limit": ""}
    assert question(**empty) == question()


def test_every_parameter_is_read() -> None:
    asked = question(
        by=["team,Resource-Class", "team"],
        from_="2026-02-01",
        to="2026-02-28",
        where=["project=a", "project~b"],
        granularity="week",
        sort="cost_per_run",
        limit="9",
    )
    assert asked == Question(
        date(2026, 2, 1),
        date(2026, 2, 28),
        ("team", "resource_class"),
        (Filter("project", FilterOperator.IS, ("a",)), Filter("project", FilterOperator.CONTAINS, ("b",))),
        Granularity.WEEK,
        9,
        Order.COST_PER_RUN,
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("from_", "2026-02-30", "'2026-02-30' is no day; write it as YYYY-MM-DD, such as 2026-01-31."),
        ("to", "01.02.2026", "'01.02.2026' is no day;"),
        ("to", "20260201", "'20260201' is no day;"),
        ("granularity", "weak", "There is no granularity 'weak'; did you mean 'week'?"),
        (
            "sort",
            "price; DROP",
            "There is no sort 'price; DROP'; there are: cost, credits, runs, minutes,",
        ),
        ("limit", "0", "limit '0' is no number from 1 to 100,000."),
        ("limit", "-3", "limit '-3' is no number"),
        ("limit", "٣", "limit '٣' is no number"),
        ("limit", "9" * 5000, "is no number from 1 to 100,000."),
        ("by", "projekt", "There is no dimension 'projekt'; did you mean 'project'?"),
        ("where", "project", "The filter 'project' has no value;"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refusal:
        question(**{name: text})
    assert sentence in str(refusal.value)


def test_days_in_the_wrong_order_and_a_name_given_twice_are_refused() -> None:
    with pytest.raises(
        UsageError, match="The first day, 2026-03-01, lies after the last one, 0001-01-01; exchange them"
    ):
        question(from_="2026-03-01", to="0001-01-01")
    with pytest.raises(UsageError, match="sort is given 2 times; give it once"):
        question(sort=["cost", "runs"])


@pytest.mark.parametrize("texts", [{"by": "stage"}, {"where": "stage=live"}, {"where": "Stage!=live"}])
def test_a_tag_that_is_configured_and_not_published_says_how_to_publish_it(texts: dict[str, str]) -> None:
    with pytest.raises(CircleciCostError, match="'stage' is in no published costs yet; run `circleci-cost allocation"):
        question(**texts)


def test_the_earliest_and_the_latest_day_may_be_asked_for() -> None:
    asked = question(from_="0001-01-01", to="9999-12-31")
    assert (asked.first, asked.last) == (date.min, date.max)
