"""Whether an engine counts exactly: a statement over known values, and what it has to come to, digit by digit.

An engine that rounds does so in silence: Spark has settings by which a product loses digits and a sum becomes NULL.
"""

from collections.abc import Mapping
from decimal import Decimal

import pyarrow as pa

# The largest sum of credits that can be priced, and the highest price: their product has 37 digits.
_CREDITS, _PRICE = Decimal("9999999999999.999999"), Decimal("99999999.9999999999")
# 38 digits, the last of which only an exact sum keeps.
_LARGE, _SMALL = Decimal("99999999999999999999999999999999.999998"), Decimal("0.000001")

KNOWN = pa.table(
    {
        "credits": pa.array([_CREDITS, _CREDITS], pa.decimal128(19, 6)),
        "price": pa.array([_PRICE, _PRICE], pa.decimal128(18, 10)),
        "addend": pa.array([_LARGE, _SMALL], pa.decimal128(38, 6)),
        "half": pa.array([Decimal("0.005"), Decimal("-0.005")], pa.decimal128(18, 6)),
        "name": pa.array(["a", "A"]),
    }
)
"""The table `known` of the statement."""

STATEMENT = """
SELECT
    max(credits * price) AS product,
    sum(addend) AS total,
    max(TRY_CAST(addend AS DECIMAL(19, 6))) AS fitting,
    max(CAST(half AS DECIMAL(20, 2))) AS half_up,
    min(CAST(half AS DECIMAL(20, 2))) AS half_down,
    count(DISTINCT name) AS names
FROM known
"""
_EXPECTED: Mapping[str, tuple[pa.DataType, object, str]] = {
    "product": (
        pa.decimal128(38, 16),
        Decimal("999999999999999998900.0000000000000001"),
        "DECIMAL(19, 6) × DECIMAL(18, 10)",
    ),
    "total": (pa.decimal128(38, 6), Decimal("99999999999999999999999999999999.999999"), "a sum of 38 digits"),
    "fitting": (pa.decimal128(19, 6), _SMALL, "TRY_CAST of what does not fit and of what does"),
    "half_up": (pa.decimal128(20, 2), Decimal("0.01"), "0.005 to two decimals"),
    "half_down": (pa.decimal128(20, 2), Decimal("-0.01"), "-0.005 to two decimals"),
    "names": (pa.int64(), 2, "the number of names in 'a', 'A'"),
}


def inexact(answer: pa.Table) -> str | None:
    """What an engine's answer to `STATEMENT` got wrong, in words; None where it counts exactly."""
    for name, (kind, value, what) in _EXPECTED.items():
        column = answer.column(name)
        (given,) = column.to_pylist()
        if (column.type, given) != (kind, value):
            return f"{what} is {given} as {_said(column.type)} there, and {value} as {_said(kind)} here"
    return None


def _said(kind: pa.DataType) -> str:
    return str(kind).replace("decimal128", "decimal").replace(", ", ",")
