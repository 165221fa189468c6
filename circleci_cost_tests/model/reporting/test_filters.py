"""The grammar of filters: one sign, the first, and everything after it is the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.errors import UsageError
from circleci_cost.model.reporting.filters import Filter, FilterOperator, filter_text, in_words, parse_filters

IS, IS_NOT, CONTAINS = FilterOperator


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("project=web", IS, "web"),
        ("project!=web", IS_NOT, "web"),
        ("project~web", CONTAINS, "web"),
        ("project=a!=b~c", IS, "a!=b~c"),
        ("project!=a=b", IS_NOT, "a=b"),
        ("project~=a", CONTAINS, "=a"),
        ("project==a", IS, "=a"),
        ("Project =a\nb", IS, "a\nb"),
        ("project=", IS, ""),
        ("project=(none)", IS, "(none)"),
    ],
)
def test_the_first_sign_counts_and_the_value_is_kept_as_it_is(text: str, operator: FilterOperator, value: str) -> None:
    assert parse_filters([text]) == (Filter("project", operator, (value,)),)


def test_values_of_one_dimension_and_sign_are_one_filter_without_repeats() -> None:
    where = ["project=a", "team~x", "project=b", "project!=c", "project=a"]
    assert parse_filters(where, ("team",)) == (
        Filter("project", IS, ("a", "b")),
        Filter("team", CONTAINS, ("x",)),
        Filter("project", IS_NOT, ("c",)),
    )


@given(st.sampled_from(FilterOperator), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_value_comes_back_from_its_text(operator: FilterOperator, value: str) -> None:
    assert parse_filters([filter_text("branch", operator, value)]) == (Filter("branch", operator, (value,)),)


@pytest.mark.parametrize("text", ["project", "", "project~", "project!web"])
def test_a_text_without_a_sign_or_with_nothing_to_contain_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"has no value; write it as DIM=VALUE, such as project=web-app\."):
        parse_filters([text])


def test_bytes_that_are_no_text_are_refused_where_nothing_else_would_refuse_them() -> None:
    with pytest.raises(
        UsageError, match=r"The filter 'project~\\udcff' holds bytes that are not UTF-8; no name contains"
    ):
        parse_filters(["project~\udcff"])
    assert parse_filters(["project=\udcff"]) == (Filter("project", IS, ("\udcff",)),)


@pytest.mark.parametrize("text", ["projekt=web", "project!x=web", "organization_id=1", "=web", "1~x"])
def test_what_is_no_dimension_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="There is no dimension"):
        parse_filters([text])


def test_filters_in_words_say_what_holds_together() -> None:
    filters = parse_filters(["resource_class=large", "resource_class~gpu", "project!=a", "project!=b"])
    assert in_words(filters) == ["resource class large or containing gpu", "project not a or b"]
