"""The templates' environment: everything is escaped, and amounts are written by `text.amounts` alone."""

from datetime import date, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from circleci_cost.explorer.static_files import StaticFiles
from circleci_cost.model.usage.display_names import charge_type_with_key, dimension_name
from circleci_cost.text import amounts
from circleci_cost.text.plain import one_line
from circleci_cost.text.sentences import sentence_case
from circleci_cost.text.units import counted, to_the_minute


@cache
def environment() -> Environment:
    """The one environment, with the filters that templates use."""
    made = Environment(
        loader=PackageLoader("circleci_cost.explorer"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    made.filters |= {
        "as_is": as_is,
        "change_text": amounts.change_text,
        "charge_type": charge_type_with_key,
        "counted": counted,
        "day": day_text,
        "dimension": dimension_name,
        "dollars": amounts.dollars,
        "exact": amounts.exact,
        "exact_dollars": amounts.exact_dollars,
        "exact_number": amounts.exact_number,
        "in_unit": amounts.in_unit,
        "minute": to_the_minute,
        "name": one_line,
        "percent": amounts.percent,
        "price": amounts.price,
        "sentence": sentence_case,
        "signed": amounts.signed,
        "small_dollars": amounts.small_dollars,
        "signed_percent": amounts.signed_percent,
        "whole_number": amounts.whole_number,
        "written": amounts.written,
    }
    made.globals |= {"static": static_files().address, "icon": static_files().within_page("icon.svg")}
    return made


@cache
def static_files() -> StaticFiles:
    """The styles and scripts of this version."""
    return StaticFiles()


def render(template: str, **values: object) -> str:
    """A page's HTML."""
    return environment().get_template(template).render(**values)


def as_is(text: str) -> Markup:
    """A name as it is, escaped: for the fields of forms, which send it back."""
    return escape(text)


def day_text(day: date) -> str:
    """A day as people read it: `Thu 1 Oct 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def _shown(value: object) -> object:
    """Texts without characters that are invisible or turn the direction; nothing for None."""
    if value is None:
        return ""
    if type(value) is str:
        return one_line(value)
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
