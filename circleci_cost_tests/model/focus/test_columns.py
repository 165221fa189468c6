"""The columns of each version against the public column lists of FOCUS, dataset Cost and Usage."""

import json

import pytest

from circleci_cost.model.focus.columns import COLUMNS, Grain, Level, Style, Version, columns_of
from circleci_cost.model.focus.metadata import metadata
from circleci_cost.model.focus.skus import SKUS
from circleci_cost.model.usage.charge_types import CHARGE_TYPES

_IN_ALL = """
    BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory
    ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName
    ListCost PricingQuantity PricingUnit ServiceCategory ServiceName
"""
_CONDITIONAL_IN_ALL = """
    AvailabilityZone BillingAccountType CapacityReservationId CapacityReservationStatus ChargeFrequency
    CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName CommitmentDiscountQuantity
    CommitmentDiscountStatus CommitmentDiscountType CommitmentDiscountUnit ConsumedQuantity ConsumedUnit
    ContractedUnitPrice InvoiceId ListUnitPrice PricingCategory PricingCurrency PricingCurrencyContractedUnitPrice
    PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice RegionId RegionName ResourceId ResourceName ResourceType
    ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName SubAccountType Tags
"""
_MANDATORY, _OTHERS = set(_IN_ALL.split()), set(_CONDITIONAL_IN_ALL.split())
_ALLOCATED = {f"Allocated{name}" for name in ("MethodDetails", "MethodId", "ResourceId", "ResourceName", "Tags")}
_FORMER, _LATER = {"ProviderName", "PublisherName"}, {"ServiceProviderName", "HostProviderName"}
_PUBLIC = {
    Version.V1_2: (_MANDATORY | _FORMER, _OTHERS),
    Version.V1_3: (_MANDATORY | _FORMER | _LATER, _OTHERS | _ALLOCATED | {"ContractApplied"}),
    Version.V1_4: (
        _MANDATORY | _LATER,
        _OTHERS | _ALLOCATED | {"ContractApplied", "CommitmentProgramEligibilityDetails", "InvoiceDetailId"},
    ),
}


@pytest.mark.parametrize("version", Version)
def test_a_version_has_all_mandatory_columns_and_none_that_it_does_not_know(version: Version) -> None:
    mandatory, others = _PUBLIC[version]
    own = {column.name for column in COLUMNS if column.level is Level.OWN}
    names = {column.name for column in columns_of(version, Grain.DAY)} - own
    assert names >= mandatory
    assert names - mandatory <= others
    levels = {column.name for column in columns_of(version, Grain.DAY) if column.level is Level.MANDATORY}
    assert levels == mandatory


@pytest.mark.parametrize("grain", Grain)
def test_columns_are_sorted_and_our_own_come_last_with_their_prefix(grain: Grain) -> None:
    names = [column.name for column in columns_of(Version.V1_3, grain)]
    own = [name for name in names if name.startswith("x_")]
    assert names[-len(own) :] == own == sorted(own)
    assert names[: -len(own)] == sorted(names[: -len(own)])
    assert [each.level is Level.OWN for each in COLUMNS] == [each.name.startswith("x_") for each in COLUMNS]


def test_every_charge_type_has_a_sku_of_its_own() -> None:
    assert list(SKUS) == list(CHARGE_TYPES)
    assert len(set(SKUS.values())) == len(SKUS)
    assert (SKUS["user"], SKUS["lease_overage"], SKUS["ipranges"]) == ("user-seat", "lease-overage", "ip-ranges")


def test_the_metadata_name_the_version_and_every_column_with_its_precision() -> None:
    schema = json.loads(json.dumps(metadata(Version.V1_4, Grain.JOB, Style.USD)))["Schema"][0]
    assert schema["FocusVersion"] == "1.4"
    assert [each["ColumnName"] for each in schema["ColumnDefinition"]] == [
        column.name for column in columns_of(Version.V1_4, Grain.JOB)
    ]
    assert schema["ColumnDefinition"][0] == {
        "ColumnName": "BilledCost",
        "DataType": "DECIMAL",
        "NumericPrecision": 38,
        "NumberScale": 16,
    }
