"""Which amount of a row counts, and which rows are cost: providers' own files, and an independent oracle."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.errors import ExportDataError
from circleci_cost.model.infrastructure.cost_files import FileCosts, read_costs
from circleci_cost.model.infrastructure.facts import left_out_of, remarks_on
from circleci_cost_tests.model.infrastructure.builders import DEFAULTS, HEADER, focus_csv, source

CASES = Path(__file__).parents[2] / "data" / "focus"
DAY = date(2026, 8, 16)


def read(folder: Path, content: str, **section: object) -> FileCosts:
    path = folder / "costs.csv"
    path.write_text(content)
    return read_costs(path, source(**section), "costs.csv")  # type: ignore[arg-type]


def costs(file: FileCosts, *by: str) -> dict[Any, Decimal]:
    grouped = file.costs.group_by(by).agg(pl.sum("cost"))
    return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in grouped.rows()}


def total(file: FileCosts) -> Decimal:
    return sum(file.costs.get_column("cost"), Decimal(0))


def test_an_empty_effective_cost_is_what_is_billed() -> None:
    assert costs(read_costs(CASES / "oci_effective_empty.csv", source()), "date", "provider") == {
        (DAY, "Oracle"): Decimal(25)
    }
    assert costs(read_costs(CASES / "oci_effective_given.csv", source()), "date") == {DAY: Decimal(16)}


def test_the_filled_one_of_two_provider_names_counts_row_by_row() -> None:
    file = read_costs(CASES / "focus13_provider_empty.csv", source())
    assert costs(file, "provider", "service") == {
        ("Acme SaaS", "Builds"): Decimal("1.5"),
        ("AWS", "EC2"): Decimal("2.5"),
    }


def test_a_column_of_arrows_null_type_is_empty() -> None:
    file = read_costs(CASES / "arrow_null_type.parquet", source(tag="team"))
    assert costs(file, "date", "sub_account", "tag_value") == {(DAY, None, None): Decimal("1.25")}


def test_support_and_licences_are_cost_of_each_day_and_a_commitment_is_not() -> None:
    file = read_costs(CASES / "purchase_rows.csv", source())
    assert costs(file, "service") == {
        "AWS Support (Business)": Decimal(300),
        "ACME Licenses": Decimal(10000),
        "EC2": Decimal(70),
    }
    days = costs(file, "service", "date")
    assert days[("AWS Support (Business)", date(2024, 11, 30))] == 10
    licences = {day: cost for (service, day), cost in days.items() if service == "ACME Licenses"}
    assert (len(licences), min(licences), max(licences)) == (365, date(2024, 11, 1), date(2025, 10, 31))
    assert max(licences.values()) - min(licences.values()) == Decimal("1E-22")
    assert left_out_of([file.facts]) == [("Purchase", 1, "$100.00")]


@pytest.mark.parametrize(
    ("section", "services"),
    [
        ({"purchases": "leave_out"}, {"EC2": 70}),
        ({"purchases": "count"}, {"AWS Support (Business)": 300, "ACME Licenses": 10000, "Savings Plan": 0, "EC2": 70}),
        # The billed cost of use contains no part of an earlier purchase: every purchase counts.
        ({"cost": "billed"}, {"AWS Support (Business)": 300, "ACME Licenses": 10000, "Savings Plan": 100, "EC2": 70}),
        ({"cost": "billed", "purchases": "leave_out"}, {"EC2": 70}),
    ],
)
def test_a_source_says_which_purchases_count(section: dict[str, object], services: dict[str, int]) -> None:
    assert costs(read_costs(CASES / "purchase_rows.csv", source(**section)), "service") == services  # type: ignore[arg-type]


def test_a_commitment_is_left_out_whatever_a_provider_writes_for_it(tmp_path: Path) -> None:
    content = focus_csv(
        {"ChargeCategory": "Purchase", "CommitmentDiscountId": "sp-1", "EffectiveCost": "720", "BilledCost": "720"},
        {"ChargeCategory": "Usage", "CommitmentDiscountId": "sp-1", "EffectiveCost": "1.5", "BilledCost": "0"},
    )
    file = read(tmp_path, content)
    assert (total(file), left_out_of([file.facts])) == (Decimal("1.5"), [("Purchase", 1, "$720.00")])
    assert total(read(tmp_path, content, purchases="count")) == Decimal("721.5")
    assert total(read(tmp_path, content, cost="billed")) == 720


def test_left_out_rows_are_reported_by_category_and_currency(tmp_path: Path) -> None:
    content = focus_csv(
        {"ChargeCategory": "Tax", "BilledCost": "1000", "EffectiveCost": "1000"},
        {"ChargeCategory": "tax", "BilledCost": "", "EffectiveCost": "0.5"},
        {"ChargeCategory": "Tax", "BilledCost": "-7", "EffectiveCost": "-7", "BillingCurrency": "EUR"},
        {"ChargeCategory": "Tax", "BilledCost": "n/a", "EffectiveCost": "n/a", "ChargePeriodStart": ""},
        {"ChargeCategory": "Purchase", "BilledCost": "3", "EffectiveCost": "0"},
    )
    facts = read(tmp_path, content).facts
    assert left_out_of([facts]) == [("Purchase", 1, "$3.00"), ("Tax", 4, "EUR -7.00, $1,000.50")]


def test_effective_costs_that_are_all_zero_are_reported(tmp_path: Path) -> None:
    zero = {"EffectiveCost": "0", "BilledCost": "5"}
    empty = read(tmp_path, focus_csv(zero, zero, {"EffectiveCost": "0", "BilledCost": "0"})).facts
    assert remarks_on([empty]) == [
        "EffectiveCost is 0 in all rows, BilledCost is not in 2 of them; if the provider does not fill EffectiveCost, "
        'write cost = "billed" in the [[infrastructure]] section'
    ]
    filled = read(tmp_path, focus_csv({"EffectiveCost": "1", "BilledCost": "0"})).facts
    assert remarks_on([empty, filled]) == []
    assert remarks_on([filled.model_copy(update={"unread_tags": 1})]) == [
        'Tags of 1 row are no JSON object such as {"team": "web"}; their costs are under (none)'
    ]
    assert remarks_on([read(tmp_path, focus_csv(zero), cost="billed").facts]) == []
    assert remarks_on([read(tmp_path, focus_csv(zero | {"ChargeCategory": "Purchase"})).facts]) == []


def test_a_missing_label_is_none_and_its_money_counts(tmp_path: Path) -> None:
    labels = dict.fromkeys(("ProviderName", "ServiceName", "SubAccountName", "SubAccountId", "ServiceCategory"), "")
    file = read(tmp_path, focus_csv(labels | {"Tags": "", "EffectiveCost": "7"}), tag="team")
    assert file.costs.select("provider", "service", "sub_account", "tag_value", "service_category", "cost").rows() == [
        ("(none)", "(none)", None, None, None, Decimal(7))
    ]
    (tmp_path / "simple.csv").write_text("date,amount,label\n2026-01-01,5,\n")
    assert costs(read_costs(tmp_path / "simple.csv", source(format="simple")), "service") == {"(none)": 5}


@pytest.mark.parametrize(
    ("header", "section", "message"),
    [
        (
            HEADER.replace("ProviderName", "PublisherName"),
            {},
            "the column ProviderName or ServiceProviderName is missing; name the provider in the [[infrastructure]] "
            'section, such as provider = "Oracle"',
        ),
        (
            HEADER,
            {"cost": "billed"},
            'the column BilledCost is missing; export it, or take cost = "billed" out of the [[infrastructure]] '
            "section",
        ),
    ],
)
def test_a_missing_column_names_the_key_that_solves_it(
    tmp_path: Path, header: str, section: dict[str, object], message: str
) -> None:
    with pytest.raises(ExportDataError) as caught:
        read(tmp_path, f"{header}\n{','.join(DEFAULTS.values())}\n", **section)
    assert str(caught.value) == f"costs.csv: {message}. Nothing of this file was used."


def test_former_names_of_columns_are_read(tmp_path: Path) -> None:
    header = "ChargePeriodStart,AmortizedCost,BilledCurrency,Provider,ServiceName,ChargeType"
    file = read(tmp_path, f"{header}\n2026-01-01,3,USD,Oracle,COMPUTE,Usage\n2026-01-01,9,USD,Oracle,x,Tax\n")
    assert costs(file, "provider", "service") == {("Oracle", "COMPUTE"): 3}


AMOUNTS = st.one_of(st.just(Decimal(0)), st.decimals(-(10**6), 10**6, places=10, allow_nan=False, allow_infinity=False))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "ChargeCategory": st.sampled_from(("Usage", "Purchase", "Tax", "Credit", "Adjustment", "")),
            "EffectiveCost": st.one_of(st.none(), AMOUNTS),
            "BilledCost": AMOUNTS,
            "CommitmentDiscountId": st.sampled_from(("", "sp-1")),
            "days": st.sampled_from((1, 2, 7, 31, 365)),
            "ServiceName": st.sampled_from(("EC2", "")),
            "ServiceProviderName": st.sampled_from(("AWS", "")),
        }
    ),
    min_size=1,
    max_size=12,
)


def expected(text: str, section: dict[str, str]) -> tuple[dict[tuple[date, str], Fraction], Fraction]:
    """The costs by day and service and the sum left out, computed row by row with Python's csv and Fraction."""
    parts: dict[tuple[date, str], Fraction] = {}
    left_out = Fraction(0)
    charges: dict[Any, Any] = {}
    for row in csv.DictReader(io.StringIO(text)):
        effective, billed = row["EffectiveCost"], row["BilledCost"]
        amount = Fraction(billed if section["cost"] == "billed" or not effective else effective)
        left = row["ChargeCategory"] == "Tax"
        if row["ChargeCategory"] == "Purchase":
            zero = bool(effective) and Fraction(effective) == 0
            covers = section["cost"] == "effective" and (zero or bool(row["CommitmentDiscountId"]))
            left = {"specification": covers, "count": False, "leave_out": True}[section["purchases"]]
        if left:
            left_out += Fraction(billed)
            continue
        # Charges that differ only in their amount are added up before they are spread.
        days = (date.fromisoformat(row["ChargePeriodEnd"]) - date.fromisoformat(row["ChargePeriodStart"])).days
        key = (row["ServiceName"] or "(none)", row["ServiceProviderName"] or "(none)", days)
        charges[key] = charges.get(key, Fraction(0)) + amount
    for (service, _, days), amount in charges.items():
        units = amount * 10**22
        for day in range(days):
            part = floor(units * (day + 1) / days) - floor(units * day / days)
            at = (date(2026, 1, 1) + timedelta(days=day), service)
            parts[at] = parts.get(at, Fraction(0)) + Fraction(part, 10**22)
    return parts, left_out


@settings(max_examples=25, deadline=None)
@given(
    rows=ROWS,
    section=st.fixed_dictionaries(
        {
            "cost": st.sampled_from(("effective", "billed")),
            "purchases": st.sampled_from(("specification", "count", "leave_out")),
        }
    ),
)
def test_sums_and_spreading_are_those_of_an_independent_reading(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], section: dict[str, str]
) -> None:
    text = focus_csv(
        *(
            {
                **{name: str(value) for name, value in row.items() if name != "days"},
                "EffectiveCost": "" if row["EffectiveCost"] is None else f"{row['EffectiveCost']:f}",
                "BilledCost": f"{row['BilledCost']:f}",
                "ProviderName": "",
                "ChargePeriodStart": "2026-01-01",
                "ChargePeriodEnd": str(date(2026, 1, 1) + timedelta(days=row["days"])),
            }
            for row in rows
        )
    )
    file = read(tmp_path_factory.mktemp("oracle"), text, **section)
    by_day = {key: Fraction(cost) for key, cost in costs(file, "date", "service").items()}
    stated = sum((Fraction(left_out.cost) for left_out in file.facts.left_out), Fraction(0))
    assert (by_day, stated) == expected(text, section)
