"""A budget's scope as filters, where filters can say the same."""

import pytest

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.scope import as_filters


def filters(**keys: object) -> list[str] | None:
    return as_filters(Budget.model_validate({"name": "web", "amount": 100, **keys}))


def test_values_and_exclusions_are_filters() -> None:
    assert filters() == []
    assert filters(where={"project": ["a", "b"], "branch": {"not": "main"}, "team": "web"}) == [
        "project=a",
        "project=b",
        "branch!=main",
        "team=web",
    ]
    assert filters(seats=False, where={"project": "a=b"}) == ["project=a=b", "charge_type!=user"]


@pytest.mark.parametrize(
    "where",
    [
        [{"project": "a"}, {"branch": "main"}],
        {"project": {"glob": "web-*"}},
        {"project": {"regex": "web"}},
        {"project": {"not": {"glob": "web-*"}}},
        {"project_id": "5d3c"},
        {"project": {"is": "a", "in": ["a", "b"]}},
    ],
    ids=str,
)
def test_what_filters_cannot_say_is_none(where: object) -> None:
    assert filters(where=where) is None
