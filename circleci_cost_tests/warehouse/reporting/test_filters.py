"""Filters against real costs: is, is not, contains; alternatives, exclusions, and text that is never a pattern."""

import pytest

from circleci_cost.errors import ConfigurationError, UsageError
from circleci_cost.model.reporting.filters import parse_filters
from circleci_cost.model.reporting.report import Order, Question
from circleci_cost_tests.warehouse.allocation.builders import DAY, warehouse
from circleci_cost_tests.warehouse.reporting.builders import ask

NAMES = ["web-app", "Web_site", "api", "100%", "1000", "a\\b", "a*b", "a?b", "a.b", "ÜBER", "日本", "x=y", "n!m", "w~z"]


def projects(*where: str) -> list[str]:
    rows = [{"project": name, "branch": branch, "compute": 1} for name in NAMES for branch in ("main", None)]
    with warehouse(rows) as connection:
        question = Question(DAY, DAY, ("project",), parse_filters(where), order=Order.NAME)
        return [row.values[0] for row in ask(connection, question).rows]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (["project=web-app", "project~SITE"], ["Web_site", "web-app"]),
        (["project~web", "project!=web-app"], ["Web_site"]),
        (["project!=web-app", "project!=Web_site", "project~e"], ["ÜBER"]),
        (["project~%"], ["100%"]),
        (["project~_"], ["Web_site"]),
        (["project~\\"], ["a\\b"]),
        (["project~*"], ["a*b"]),
        (["project~?"], ["a?b"]),
        (["project~."], ["a.b"]),
        (["project~über"], ["ÜBER"]),
        (["project~U\u0308b"], ["ÜBER"]),
        (["project~本"], ["日本"]),
        (["project=x=y"], ["x=y"]),
        (["project=n!m", "project=w~z"], ["n!m", "w~z"]),
        (["project~'"], []),
        (["project~\x00"], []),
        (["project~nowhere"], []),
        (["project=api", "branch=(none)"], ["api"]),
        (["project=api", "branch!=(none)", "branch!=main"], []),
    ],
)
def test_a_filter_means_what_it_says(where: list[str], names: list[str]) -> None:
    assert projects(*where) == names


def test_an_exclusion_of_a_value_that_no_usage_has_is_refused_and_any_text_may_be_contained() -> None:
    with pytest.raises(UsageError, match="No usage has the project 'wep-app'; did you mean 'web-app'"):
        projects("project!=wep-app")
    with pytest.raises(ConfigurationError, match="No usage has the cost center 'nobody'"):
        projects("cost_center!=nobody")
    assert projects("cost_center~nobody") == []
    assert projects("cost_center~ACM", "project=api") == ["api"]


def test_only_the_cost_centers_that_the_filters_let_through_can_lack_days() -> None:
    with warehouse([{"compute": 1}]) as connection:
        connection.execute(
            "INSERT INTO usage_days VALUES ('acme', $day, 0, 0, 0, 'e', $day, $day, true, false, NULL, NULL)",
            {"day": DAY},
        )
        unsettled = {
            where: list(ask(connection, Question(DAY, DAY, filters=parse_filters([where]))).unsettled)
            for where in ("cost_center~cm", "cost_center~x", "cost_center!=acme")
        }
    assert unsettled == {"cost_center~cm": ["acme"], "cost_center~x": [], "cost_center!=acme": []}
