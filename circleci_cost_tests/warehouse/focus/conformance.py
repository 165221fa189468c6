"""What FOCUS demands of every row, checked by Python's csv and Decimal; the public validator does not look at sums."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from circleci_cost.model.focus.columns import FocusColumn, Grain, Kind, Level, Version, columns_of

Row = Mapping[str, str]
_NUMBERS = {Kind.COST, Kind.UNIT_PRICE, Kind.QUANTITY}
# Allowed values, as far as they can occur here.
_VALUES = {
    "BillingAccountType": {"Organization"},
    "BillingCurrency": {"USD"},
    "ChargeCategory": {"Usage", "Purchase"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"Usage-Based", "One-Time"},
    "CommitmentDiscountStatus": {""},
    "ConsumedUnit": {"Credits", ""},
    "PricingCategory": {"Standard"},
    "PricingCurrency": {"USD", "Credits"},
    "PricingUnit": {"Credits"},
    "ResourceType": {"Job", "Credit Allocation", ""},
    "ServiceCategory": {"Developer Tools"},
    "ServiceSubcategory": {"Continuous Integration and Deployment"},
    "SubAccountType": {"Project", ""},
}


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def check(rows: Sequence[Row], version: Version, grain: Grain) -> None:
    """Assert that the rows conform to the version."""
    columns = columns_of(version, grain)
    for row in rows:
        assert list(row) == [column.name for column in columns]
        for column in columns:
            _check_value(column, row[column.name])
        _check_amounts(row)
        _check_periods(row)
        for name, allowed in _VALUES.items():
            assert row[name] in allowed, (name, row[name])
        assert (row["SkuId"], row["SkuMeter"], row["SubAccountId"] and row["SubAccountName"]) != ("", "", "")
        assert bool(row["ResourceId"]) == bool(row["ResourceType"])


def _check_value(column: FocusColumn, value: str) -> None:
    if value == "":
        assert column.nullable or column.level is Level.OWN, column.name
    elif column.kind in _NUMBERS:
        assert Decimal(value).is_finite()
        assert "E" not in value
    elif column.kind is Kind.TIME:
        assert value.endswith("Z")
        assert datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z").utcoffset() == timedelta(0)
    elif column.kind is Kind.JSON:
        assert all(isinstance(each, str) for each in json.loads(value).values())


def _check_amounts(row: Row) -> None:
    quantity = Decimal(row["PricingQuantity"])
    for price, cost in (("ContractedUnitPrice", "ContractedCost"), ("ListUnitPrice", "ListCost")):
        assert Decimal(row[price]) >= 0
        assert quantity * Decimal(row[price]) == Decimal(row[cost])
    # A part of a shared cost is the share of the cost; its credits are rounded to a millionth.
    difference = abs(Decimal(row["EffectiveCost"]) - Decimal(row["ContractedCost"]))
    allowed = Decimal("0.000001") * Decimal(row["ContractedUnitPrice"]) if row["x_SplitId"] else Decimal(0)
    if row["ChargeFrequency"] == "One-Time":
        # The price of a credit in a lot is rounded to ten decimals.
        allowed = quantity * Decimal("5e-11")
    if row["ChargeCategory"] == "Usage":
        assert difference <= allowed
        assert Decimal(row["BilledCost"]) == 0
        assert row["ConsumedQuantity"] == row["PricingQuantity"] == row["x_Credits"]
    else:
        assert Decimal(row["EffectiveCost"]) == 0
        assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == ("", "")
        assert abs(Decimal(row["BilledCost"]) - Decimal(row["ContractedCost"])) <= allowed
        assert row["PricingCurrency"] == "USD"
    if row["PricingCurrency"] == "USD":
        assert Decimal(row["PricingCurrencyEffectiveCost"]) == Decimal(row["EffectiveCost"])
        assert row["PricingCurrencyContractedUnitPrice"] == row["ContractedUnitPrice"]
    else:
        assert Decimal(row["PricingCurrencyEffectiveCost"]) == quantity
        assert Decimal(row["PricingCurrencyContractedUnitPrice"]) == 1


def _check_periods(row: Row) -> None:
    start, end = (datetime.fromisoformat(row[name]) for name in ("ChargePeriodStart", "ChargePeriodEnd"))
    first, last = (datetime.fromisoformat(row[name]) for name in ("BillingPeriodStart", "BillingPeriodEnd"))
    assert first <= start < end
    assert start < last
    assert (first.day, last.day, (last - timedelta(days=1)).month) == (1, 1, first.month)
    if row["ChargeCategory"] == "Usage":
        assert end - start == timedelta(days=1)
    if row["ChargeFrequency"] == "One-Time":
        assert (row["ResourceType"], row["SubAccountId"], row["Tags"]) == ("Credit Allocation", "", "")


def total(rows: Sequence[Row], column: str = "EffectiveCost") -> Decimal:
    """The exact sum of a column."""
    return sum((Decimal(row[column]) for row in rows), start=Decimal(0))
