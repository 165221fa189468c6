"""Reads the text of cost files as exact amounts, moments and tags; NULL where it cannot be read.

Each distinct text is read once. Deciding what an unreadable value means for its row is the job of `rows`.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import polars as pl

# Sums are exact to 22 decimals; finer amounts (such as doubles near zero) are rounded there, half to even.
SCALE = 22
AMOUNT = pl.Decimal(38, SCALE)
_PLAIN_AMOUNT = rf"^-?[0-9]{{1,10}}(\.[0-9]{{1,{SCALE}}})?$"
_ANY_AMOUNT = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,100}(\.[0-9]{0,100})?([eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)?)?"
    r" ?(?P<zone>Z|UTC|[+-]\d{2}(?::?\d{2})?)?"
)
_YEARS = range(2000, 2200)
_BROKEN: Any = object()


def amounts(texts: pl.Series) -> pl.Series:
    """Amounts, exact to `SCALE` decimals."""
    plain = texts.to_frame("v").select(pl.when(pl.col("v").str.contains(_PLAIN_AMOUNT)).then("v")).to_series()
    read = plain.cast(AMOUNT)
    unread = read.is_null() & texts.is_not_null()
    return read.zip_with(~unread, _by_value(texts, unread, _any_amount, AMOUNT)) if unread.any() else read


def moments(texts: pl.Series) -> pl.Series:
    """Moments in UTC, without their zone."""
    return _by_value(texts, texts.is_not_null(), _any_time, pl.Datetime("us"))


def tag_values(texts: pl.Series, key: str) -> tuple[pl.Series, int]:
    """The value of a tag in each row, NULL where it has none, and the number of rows whose tags cannot be read."""
    distinct = texts.drop_nulls().unique()
    values = [_tag_of(text, key) for text in distinct]
    broken = [text for text, value in zip(distinct, values, strict=True) if value is _BROKEN]
    known = pl.Series([None if value is _BROKEN else value for value in values], dtype=pl.String)
    return _replaced(texts, distinct, known), int(texts.is_in(broken).sum())


def _tag_of(text: str, key: str) -> Any:
    """Tags are a JSON object, or a list of objects with a key and a value."""
    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN
    if isinstance(tags, list):
        pairs = [_pair(entry) for entry in tags]
        if not all(pairs):
            return _BROKEN
        # Of a repeated key the first entry counts.
        tags = dict(pair for pair in reversed(pairs) if pair)
    if not isinstance(tags, dict):
        return _BROKEN
    value = tags.get(key)
    if value is None or value == "":
        return None
    # JSON may escape halves of characters (surrogates), which text cannot hold.
    return value.encode(errors="replace").decode() if isinstance(value, str) else json.dumps(value)


def _pair(entry: object) -> tuple[str, object] | None:
    if not isinstance(entry, Mapping):
        return None
    named = {str(name).lower(): value for name, value in entry.items()}
    return (str(named["key"]), named["value"]) if named.keys() == {"key", "value"} else None


def _any_amount(text: str) -> Decimal | None:
    if _ANY_AMOUNT.fullmatch(text) is None:
        return None
    number = Decimal(text)
    if number and not -400 < number.adjusted() < 10:
        return None
    return number.quantize(Decimal(1).scaleb(-SCALE), ROUND_HALF_EVEN, Context(prec=60))


def _any_time(text: str) -> datetime | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    zone = (match["zone"] or "Z").replace("UTC", "Z")
    time = (
        f"{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}.{(match['part'] or '0')[:6]:0<6}"
    )
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{time}{zone}").astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None


def _by_value(values: pl.Series, some: pl.Series, read: Callable[[str], object], dtype: pl.DataType) -> pl.Series:
    """Read each distinct text once; NULL for what is not among `some`, or cannot be read."""
    distinct = values.filter(some).unique()
    return _replaced(values, distinct, pl.Series([read(text) for text in distinct], dtype=dtype))


def _replaced(values: pl.Series, old: pl.Series, new: pl.Series) -> pl.Series:
    frame = values.to_frame("v").join(pl.DataFrame({"v": old, "read": new}), on="v", how="left", maintain_order="left")
    return frame.get_column("read")
