"""Lots of credits: what the configuration, its files and the plans give, in the order in which they are used."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.credits.billing_cycles import billing_cycle, cycles_between
from circleci_cost.model.credits.purchases import LOTS_SCHEMA, credit_lots

BEFORE = """\
history_start = 2025-10-22
[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
purchase_files = ["more.csv"]
"""
PURCHASE = "[[cost_centers.purchases]]\n"
SCHEDULE = "[[cost_centers.plan.allocations]]\ncount = 2\ncredits = 5\nusd = 1\n"
HEADER = "date,credits,usd,expires,kind,invoice\n"


def lots(folder: Path, text: str, csv: str = HEADER, through: date = date(2026, 12, 31)) -> list[tuple[object, ...]]:
    (folder / "more.csv").write_text(csv)
    (folder / "circleci_cost.toml").write_text(BEFORE + text)
    usable = usable_credits(read_settings(folder / "circleci_cost.toml"))
    assert usable.problems == ()
    frame = credit_lots(usable.centers, through)
    assert frame.schema == LOTS_SCHEMA
    return frame.select("lot", "expires", "credits", "usd").rows()


def refusal(folder: Path, text: str) -> str:
    (folder / "circleci_cost.toml").write_text(BEFORE + text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(folder / "circleci_cost.toml")
    return str(caught.value).replace(str(folder), "").removeprefix("/circleci_cost.toml, ")


def problem(folder: Path, csv: str, text: str = "") -> str:
    (folder / "more.csv").write_text(csv)
    (folder / "circleci_cost.toml").write_text(BEFORE + text)
    usable = usable_credits(read_settings(folder / "circleci_cost.toml"))
    assert usable.centers == ()
    (found,) = usable.problems
    assert found.consequence == "Until then the credits of acme are left out."
    return found.sentence.replace(f"{folder}/", "")


def test_without_purchases_nothing_is_there(tmp_path: Path) -> None:
    assert lots(tmp_path, "[cost_centers.plan]\nauto_refill = true\n") == []
    assert credit_lots([], date(2026, 1, 1)).schema == LOTS_SCHEMA


def test_purchases_of_both_places_become_lots_oldest_first_with_exact_amounts(tmp_path: Path) -> None:
    text = (
        f"{PURCHASE}date = 2026-03-31\ncredits = 25_000.000001\nusd = 15.10\n"
        f'{PURCHASE}date = 2026-03-31\ncredits = 30_000\nkind = "bonus"\n'
    )
    csv = f"{HEADER}2026-03-31,5,3,2026-04-02,,INV-1\n2024-02-29,1,0,,refill,\n2027-01-01,9,9,,,\n"
    assert lots(tmp_path, text, csv) == [
        ("acme/2024-02-29/refill", date(2025, 2, 28), Decimal(1), Decimal(0)),
        ("acme/2026-03-31/bonus", date(2026, 3, 31), Decimal(30_000), Decimal(0)),
        ("acme/2026-03-31/purchase", date(2026, 4, 2), Decimal(5), Decimal(3)),
        ("acme/2026-03-31/purchase/2", date(2027, 3, 31), Decimal("25000.000001"), Decimal("15.1")),
    ]


def test_the_order_of_rows_and_places_changes_no_lot(tmp_path: Path) -> None:
    rows = ["2026-03-31,5,3,,,a\n", "2026-03-31,5,3,,,b\n", "2026-01-01,7,4,,,\n"]
    assert lots(tmp_path, "", HEADER + "".join(rows)) == lots(tmp_path, "", HEADER + "".join(reversed(rows)))


def test_a_schedule_gives_its_tranches_on_fixed_dates(tmp_path: Path) -> None:
    text = (
        "[[cost_centers.plan.allocations]]\nfirst = 2026-01-31\nevery_months = 3\ncount = 4\ncredits = 100_000_000\n"
        "usd = 55_000\nvalid_months = 6\n"
    )
    assert lots(tmp_path, text, through=date(2026, 7, 31)) == [
        (f"acme/{first}/allocation", expires, Decimal(100_000_000), Decimal(55_000))
        for first, expires in (
            (date(2026, 1, 31), date(2026, 7, 31)),
            (date(2026, 4, 30), date(2026, 10, 30)),
            (date(2026, 7, 31), date(2027, 1, 31)),
        )
    ]


def test_an_allowance_is_a_free_lot_of_every_billing_cycle_that_ends_with_it(tmp_path: Path) -> None:
    text = (
        "[cost_centers.plan]\nbilling_day = 31\n[[cost_centers.plan.allowances]]\ncredits = 30_000\n"
        "from = 2026-02-10\nuntil = 2026-04-29\n"
    )
    assert lots(tmp_path, text) == [
        (f"acme/{first}/bonus", expires, Decimal(30_000), Decimal(0))
        for first, expires in (
            (date(2026, 2, 10), date(2026, 2, 27)),
            (date(2026, 2, 28), date(2026, 3, 30)),
            (date(2026, 3, 31), date(2026, 4, 29)),
        )
    ]
    # The credits of a plan that is over are over with it.
    assert lots(tmp_path, text.replace("2026-04-29", "2026-04-10"))[-1][1] == date(2026, 4, 10)


def test_billing_cycles_follow_each_other_without_a_gap() -> None:
    for billing_day in (1, 15, 29, 31):
        cycles = list(cycles_between(date(2027, 12, 31), date(2028, 4, 1), billing_day))
        assert [cycle.first.toordinal() for cycle in cycles[1:]] == [c.last.toordinal() + 1 for c in cycles[:-1]]
        assert all(billing_cycle(day, billing_day) == cycle for cycle in cycles for day in (cycle.first, cycle.last))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = -5\nusd = 1\n",
            "line 8: cost_centers[0].purchases[0].credits = -5: input should be greater than 0.",
        ),
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = -1\n",
            "line 9: cost_centers[0].purchases[0].usd = -1: input should be greater than or equal to 0.",
        ),
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = 5\n",
            "line 6: cost_centers[0].purchases[0]: usd is missing; write what was paid for these credits, 0 if they "
            "were free.",
        ),
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = 13750\nusd = 25_000_000\n",
            "line 6: cost_centers[0].purchases[0]: 25000000 USD for 13750 credits is more than 1 USD per credit; "
            "exchange credits and usd, or correct one of them.",
        ),
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = 0\nexpires = 2026-01-14\n",
            "line 6: cost_centers[0].purchases[0]: expires 2026-01-14 lies before date 2026-01-15; correct one of "
            "them.",
        ),
        (
            f"{PURCHASE}date = 2206-01-15\ncredits = 5\nusd = 0\n",
            "line 7: cost_centers[0].purchases[0].date = 2206-01-15: write a day from 2011-01-01 to 2099-12-31.",
        ),
        (
            f'{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = 3\nkind = "bonus"\n',
            'line 6: cost_centers[0].purchases[0]: bonus credits are free; leave usd out, or write kind = "purchase".',
        ),
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = 3\nexpired = 2026-01-16\n",
            "line 10: unknown key 'cost_centers[0].purchases[0].expired'; did you mean 'expires'?",
        ),
        (
            f"{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = 3\n" * 2,
            "line 10: cost_centers[0].purchases[1]: purchases[0] is the same purchase, so it would count twice; take "
            "one out, or tell them apart by their invoice.",
        ),
        (
            f"{SCHEDULE}first = 2026-01-31\nevery_months = 6\n"
            f'{PURCHASE}date = 2026-07-31\ncredits = 5\nusd = 3\nkind = "allocation"\n',
            "line 12: cost_centers[0].purchases[0]: the schedule of the plan allocates credits on 2026-07-31 already, "
            "so they would count twice; take one out.",
        ),
        (
            f"{SCHEDULE}first = 2026-01-31\nevery_months = 6\n{SCHEDULE}first = 2026-07-31\nevery_months = 1\n",
            "line 12: cost_centers[0].plan.allocations[1]: this schedule and allocations[0] both allocate credits on "
            "2026-07-31; end the earlier one with count, or move first.",
        ),
        (
            "[[cost_centers.plan.allowances]]\ncredits = 5\nfrom = 2026-02-01\nuntil = 2026-01-01\n",
            "line 6: cost_centers[0].plan.allowances[0]: until 2026-01-01 lies before from 2026-02-01; exchange them.",
        ),
        (
            "[[cost_centers.plan.allowances]]\ncredits = 5\nfrom = 2026-02-01\n"
            "[[cost_centers.plan.allowances]]\ncredits = 8\nfrom = 2026-07-01\n",
            "line 9: cost_centers[0].plan.allowances[1]: this allowance and allowances[0] both hold on 2026-07-01, so "
            "their credits would add up; end one of them with until, or write their sum as one.",
        ),
        (
            "[cost_centers.plan]\nauto_refil = true\n",
            "line 7: unknown key 'cost_centers[0].plan.auto_refil'; did you mean 'auto_refill'?",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    assert refusal(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("csv", "sentence"),
    [
        ("date,credits,price\n", "more.csv, line 1: 'price' is no column of such a file; there are: date, credits,"),
        ("date,usd\n", "more.csv, line 1: the column 'credits' is missing; add it."),
        (f"{HEADER}2026-1-5,5,1,,,\n", "more.csv, line 2: date = 2026-1-5: write a day as YYYY-MM-DD, such as"),
        (f"{HEADER}2026-01-05,5,1,,,\n2026-01-05,,1,,,\n", "more.csv, line 3: credits is empty; write a value."),
        (f"{HEADER}2026-01-05,1e3,1,,,\n", "more.csv, line 2: credits = 1e3: write a number with at most 12 digits"),
        (f"{HEADER}2026-01-05,-3,1,,,\n", "more.csv, line 2, column credits: input should be greater than 0."),
        (f"{HEADER}2026-01-05,5,1,,gift,\n", "more.csv, line 2: kind = gift: write purchase, allocation, bonus,"),
        (f"{HEADER}2026-01-05,5,,,,\n", "more.csv, line 2: usd is missing; write what was paid for these credits, 0"),
        (f"{HEADER}2026-01-05,15,25000,,,\n", "more.csv, line 2: 25000 USD for 15 credits is more than 1 USD per"),
        (f"{HEADER}2026-01-05,5,1,2026-01-04,,\n", "more.csv, line 2: expires 2026-01-04 lies before date 2026-01-05;"),
        (
            f"{HEADER}2026-01-05,5,1,,,a\n\n2026-01-05,5.0,1.00,,purchase,a\n",
            "more.csv, line 4: more.csv, line 2 is the same purchase, so it would count twice; take one out, or tell",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_with_its_line(tmp_path: Path, csv: str, sentence: str) -> None:
    assert problem(tmp_path, csv).startswith(sentence)


def test_a_purchase_that_is_in_the_configuration_already_is_refused_in_a_file(tmp_path: Path) -> None:
    text = f"{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = 3\n"
    sentence = problem(tmp_path, f"{HEADER}2026-01-15,5,3,,,\n", text)
    assert sentence.startswith("more.csv, line 2: purchases[0] of acme in circleci_cost.toml is the same purchase")


def test_one_cost_center_with_an_unusable_file_leaves_the_others_alone(tmp_path: Path) -> None:
    other = (
        '[[cost_centers]]\nname = "globex"\norganization_id = "e07a41c6-2b9d-4f35-8c7e-93d5b6a0f1c8"\n'
        f"{PURCHASE}date = 2026-01-15\ncredits = 5\nusd = 3\n"
    )
    (tmp_path / "circleci_cost.toml").write_text(BEFORE + other)
    usable = usable_credits(read_settings(tmp_path / "circleci_cost.toml"))
    assert [center.cost_center for center in usable.centers] == ["globex"]
    assert str(usable.problems[0]).startswith(f"credits: {tmp_path / 'more.csv'} cannot be read")
