"""Commands in sentences and pages: which of them need --demo for the demo's data."""

import pytest

from circleci_cost.text.commands import for_demo


@pytest.mark.parametrize(
    ("text", "some", "every"),
    [
        ("run `circleci-cost reprice`, then wait", "`circleci-cost --demo reprice`", "`circleci-cost --demo reprice`"),
        (
            "<code>circleci-cost allocation apply</code>",
            "cost --demo allocation apply<",
            "cost --demo allocation apply<",
        ),
        ("`circleci-cost allocation coverage --tag x`", "cost allocation coverage", "cost --demo allocation coverage"),
        ("`circleci-cost checks`", "cost checks`", "cost --demo checks`"),
        ("`circleci-cost help budgets`", "`circleci-cost help budgets`", "`circleci-cost help budgets`"),
        ("`circleci-cost demo`", "`circleci-cost demo`", "`circleci-cost demo`"),
        ("`circleci-cost --demo sync`", "`circleci-cost --demo sync`", "`circleci-cost --demo sync`"),
        ("circleci-cost sync", "circleci-cost sync", "circleci-cost sync"),
    ],
)
def test_a_command_gets_demo_where_it_would_use_other_data(text: str, some: str, every: str) -> None:
    assert some in for_demo(text)
    assert every in for_demo(text, every=True)
    assert for_demo(for_demo(text)) == for_demo(text)
