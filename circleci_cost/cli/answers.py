"""The answers that `init` accepts, as an option or at a prompt: others are refused with a sentence, and asked again.

The rules are those of the sections, so that a configuration file accepts the same values; no sentence repeats a value.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

import click

from circleci_cost.cli.invocation import Invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.clock import Clock, SystemClock, utc_today
from circleci_cost.config.api import api_address
from circleci_cost.config.settings import first_day
from circleci_cost.model.pricing.definition import organization_slug, organization_uuid, price_per_credit
from circleci_cost.sections.section import plain_name, variable_name

T = TypeVar("T")


class Answer(click.ParamType[T], Generic[T]):
    """A value that a rule accepts; the rule raises `ValueError` with a sentence for any other."""

    def __init__(self, name: str, rule: Callable[[str], T]) -> None:
        self.name = name
        self.rule = rule

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Return what the rule makes of the text."""
        try:
            return self.rule(str(value).strip())
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class _HistoryStart(click.ParamType[date]):
    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return first_day(DAY.convert(value, param, ctx), utc_today(_clock(ctx)))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def _clock(context: click.Context | None) -> Clock:
    call = context.find_object(Invocation) if context else None
    return call.clock if call else SystemClock()


def is_answer(kind: Answer[str], text: str) -> bool:
    """Whether the rule accepts the text."""
    try:
        kind.rule(text)
    except ValueError:
        return False
    return True


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError("this is no price; write USD per credit, such as 0.0006, or 0 for a free plan") from None
    return price_per_credit(price)


NAME = Answer("name", plain_name)
ORGANIZATION = Answer("uuid", organization_uuid)
SLUG = Answer("slug", organization_slug)
VARIABLE = Answer("variable", variable_name)
URL = Answer("url", api_address)
PRICE = Answer("price", _price)
HISTORY_START = _HistoryStart()
