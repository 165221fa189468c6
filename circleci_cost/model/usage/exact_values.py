"""Reads single values in forms that are rare in exports: decimals with an exponent, times with an offset.

`values` types the common forms in bulk; `resaved_values` reads the forms that other programs write.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from circleci_cost.model.usage.schema import CREDIT_LIMIT, CREDIT_SCALE

_ANY_DECIMAL = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,100}(\.[0-9]{0,100})?([eE][+-]?[0-9]{1,3})?")
_ANY_TIMESTAMP = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[ T](?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<part>[0-9]{1,6})0*)?)?)?"
    r" ?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_BLANK = " \t"


def exact_credits(value: str) -> Decimal | None:
    """Read `.5`, `1e3` or `1.5E-5` without rounding; None for what DECIMAL(18,6) cannot hold exactly."""
    written = value.strip(_BLANK)
    if _ANY_DECIMAL.fullmatch(written) is None:
        return None
    scaled = Fraction(written) * 10**CREDIT_SCALE
    if scaled.denominator != 1 or abs(scaled) >= CREDIT_LIMIT * 10**CREDIT_SCALE:
        return None
    return Decimal(scaled.numerator).scaleb(-CREDIT_SCALE)


def any_timestamp(value: str) -> datetime | None:
    """Read a time with `T`, an offset, or fewer parts, as UTC; None for anything else, such as nanoseconds."""
    match = _ANY_TIMESTAMP.fullmatch(value)
    if match is None:
        return None
    time = f"{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}.{match['part'] or '0':0<6}"
    try:
        parsed = datetime.fromisoformat(f"{match['day']}T{time}{match['zone'] or 'Z'}")
        return parsed.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
