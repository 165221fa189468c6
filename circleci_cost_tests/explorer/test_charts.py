"""What charts hand to the page: rounded decimal strings, parts in order, and nothing that does not fit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from circleci_cost.explorer.charts import Axis, Band, Chart, Kind, Mark, Period, Role, Series, drawn_number

DAYS = (Period("Thu 1 Oct 2026", "1 Oct"), Period("Fri 2 Oct 2026", "2 Oct", incomplete=True))


def amounts(*texts: str | None) -> list[Decimal | None]:
    return [None if text is None else Decimal(text) for text in texts]


def chart(*series: Series, **changed: Any) -> Chart:
    return Chart(id="cost", sentence="Cost rose.", periods=DAYS, series=series, **changed)


def test_a_chart_is_the_json_that_the_script_draws() -> None:
    drawn = chart(
        Series("last month", amounts("9", "8"), Role.PREVIOUS),
        Series("(other)", amounts("0.125", None), Role.OTHER, href="/?limit=50"),
        Series("web-app", amounts("12.345", "1"), color=0, href="/?where=project%3Dweb-app"),
        Series("runs", amounts("1234.5", "7"), Role.ACTUAL, color=3, axis=1),
        axes=(Axis("USD", 2), Axis("runs", 0)),
        bands=[Band("80 % range", amounts(None, "1.005"), amounts(None, "2.5"))],
        marks=[Mark(1, "price changed to $0.0006")],
    )
    assert drawn.document == {
        "kind": "bars",
        "unit": "USD",
        "decimals": 2,
        "stacked": True,
        "periods": [
            {"label": "Thu 1 Oct 2026", "short": "1 Oct", "incomplete": False},
            {"label": "Fri 2 Oct 2026", "short": "2 Oct", "incomplete": True},
        ],
        "hatched": [1],
        "series": [
            {
                "name": "web-app",
                "color": 0,
                "role": "key",
                "values": ["12.34", "1.00"],
                "href": "/?where=project%3Dweb-app",
                "axis": 0,
            },
            {"name": "runs", "color": 3, "role": "actual", "values": ["1234", "7"], "href": None, "axis": 1},
            {
                "name": "(other)",
                "color": None,
                "role": "other",
                "values": ["0.12", None],
                "href": "/?limit=50",
                "axis": 0,
            },
            {
                "name": "last month",
                "color": None,
                "role": "previous",
                "values": ["9.00", "8.00"],
                "href": None,
                "axis": 0,
            },
        ],
        "totals": ["12.47", "1.00"],
        "bands": [{"name": "80 % range", "low": [None, "1.00"], "high": [None, "2.50"]}],
        "marks": [{"index": 1, "text": "price changed to $0.0006"}],
        "axes": [{"unit": "USD", "decimals": 2}, {"unit": "runs", "decimals": 0}],
    }


def test_a_total_is_summed_before_it_is_rounded() -> None:
    thirds = [Series(name, amounts("0.335", None), color=slot) for slot, name in enumerate("abc")]
    assert chart(*thirds).document["totals"] == ["1.00", None]
    assert [row[0] for row in (each["values"] for each in series_of(chart(*thirds)))] == ["0.34", "0.34", "0.34"]


def test_lines_and_bars_side_by_side_have_no_total() -> None:
    web = Series("web-app", amounts("1", "2"), color=0)
    assert chart(web, kind=Kind.LINES).document["totals"] == [None, None]
    assert chart(web, stacked=False).document["totals"] == [None, None]


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        ("0.125", 2, "0.12"),
        ("0.135", 2, "0.14"),
        ("-3", 2, "-3.00"),
        ("-0", 2, "0.00"),
        ("0E+3", 0, "0"),
        ("1E+3", 0, "1000"),
        ("0.0012", 2, "0.001"),
        ("-0.00098", 2, "-0.0010"),
        ("0.4", 0, "0.4"),
        ("123456789012345678901234567890.005", 2, "123456789012345678901234567890.00"),
    ],
)
def test_amounts_are_rounded_half_to_even_and_a_small_one_never_becomes_zero(
    amount: str, decimals: int, text: str
) -> None:
    assert drawn_number(Decimal(amount), decimals) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**15), max_value=10**15))
def test_what_is_drawn_is_within_half_a_unit_of_the_amount(amount: Decimal) -> None:
    drawn = Decimal(drawn_number(amount, 2))
    assert abs(drawn - amount) <= Decimal("0.005")
    assert (drawn == 0) == (amount == 0)


def test_marks_are_numbered_in_the_order_of_their_periods() -> None:
    marks = [Mark(1, "price"), Mark(0, "release"), Mark(1, "restatement")]
    assert chart(marks=marks).document["marks"] == [
        {"index": 0, "text": "release"},
        {"index": 1, "text": "price"},
        {"index": 1, "text": "restatement"},
    ]


def test_names_lose_what_is_invisible_or_turns_the_direction() -> None:
    drawn = chart(
        Series("a\u202eb\nc", amounts("1", "2"), color=0),
        marks=[Mark(0, "x\u200by")],
        bands=[Band("r\x00", amounts("1", "1"), amounts("1", "1"))],
    ).document
    assert json.dumps(drawn).count("\\ufffd") == 4
    assert "\\u202e" not in json.dumps(drawn)


def test_hostile_names_cannot_leave_the_script_element_of_a_page() -> None:
    names = ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "'\"&", "{a|b}", "__proto__"]
    drawn = chart(*(Series(name, amounts("1", "2"), color=slot) for slot, name in enumerate(names)))
    page = Environment(autoescape=True).from_string("{{ document | tojson }}").render(document=drawn.document)
    assert not set("<>&'") & set(page)
    assert [each["name"] for each in json.loads(page)["series"]] == names


def test_a_chart_without_any_amount_is_empty() -> None:
    assert chart().is_empty
    assert chart(Series("web-app", amounts(None, None), color=0)).is_empty
    assert not chart(Series("web-app", amounts(None, "0"), color=0)).is_empty


@pytest.mark.parametrize(
    ("series", "changed", "fault"),
    [
        ([Series("a", amounts("1"), color=0)], {}, "one amount for each period"),
        ([], {"bands": [Band("range", amounts("1", "2"), amounts("1"))]}, "one amount for each period"),
        ([], {"marks": [Mark(2, "new price")]}, "outside the periods"),
        ([Series("a", amounts("1", "2"), color=0, axis=1)], {}, "an axis that exists"),
        ([], {"axes": ()}, "an axis that exists"),
        ([Series("a", amounts("1", "2"))], {}, "have a colour of the palette"),
        ([Series("(other)", amounts("1", "2"), Role.OTHER, color=1)], {}, "have a colour of the palette"),
        ([Series("a", amounts("1", "2"), color=18)], {}, "slots from 0 to 17"),
    ],
)
def test_parts_that_do_not_fit_are_refused(series: list[Series], changed: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        chart(*series, **changed)


def series_of(drawn: Chart) -> list[dict[str, Any]]:
    series = drawn.document["series"]
    assert isinstance(series, list)
    return series
