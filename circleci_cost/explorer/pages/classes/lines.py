"""Advice and changes as rows of tables: texts, marks, links."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.classes.asked import Asked
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.text.amounts import dollars

SHOWN = 200
_ADVICE_BADGES = {"move": "good", "try": "warn", "stay": "quiet", "refused": "quiet"}
_VERDICT_BADGES = {"keep": "good", "revert": "bad", "undecided": "warn", "too few runs": "quiet"}


@dataclass(frozen=True)
class Line:
    """A row: its cells as the command line has them, its mark, its sentence, the exact saving, where it leads."""

    cells: Sequence[str]
    badge: str
    sentence: str
    saving: Decimal | None
    href: Address


def advice_lines(wanted: Asked) -> list[Line]:
    """The advice that is asked for, the largest likely saving first."""
    return [
        Line(
            # The risk stands behind the reason: a column of its own would be narrow and high.
            advice_listing.cells(row)[:-1],
            _ADVICE_BADGES[row["advice"]],
            f"{row['reason']}; risk: {row['risk']}" if row["risk"] else row["reason"],
            row["saving_usd"],
            _of(wanted, row),
        )
        for row in wanted.rows.head(SHOWN).iter_rows(named=True)
    ]


def change_lines(wanted: Asked) -> list[Line]:
    """The changes, those to revert first."""
    return [
        Line(
            change_listing.cells(row),
            _VERDICT_BADGES[row["verdict"]],
            row["sentence"],
            row["saving_usd"],
            _of(wanted, row),
        )
        for row in wanted.changes.head(SHOWN).iter_rows(named=True)
    ]


def totals(wanted: Asked) -> Iterator[tuple[str, Decimal, str]]:
    """What the best of the advice and the changes to revert would save a month, where it is known, with a note."""
    best = wanted.advice.filter("best")
    if best["saving_usd"].count():
        low, high = (dollars(Decimal(best[f"saving_{bound}_usd"].sum())) for bound in ("low", "high"))
        yield (
            "Likely saved a month by the best class of each job",
            Decimal(best["saving_usd"].sum()),
            f"{low} to {high}",
        )
    revert = wanted.changes.filter("to_revert")
    if revert["saving_usd"].count():
        # A job that should go back to its former class has it as its best one, too.
        note = "the same jobs may be among those to move: do not add the two"
        yield "Saved a month by reverting changes", -Decimal(revert["saving_usd"].sum()), note


def _of(wanted: Asked, row: dict[str, Any]) -> Address:
    return wanted.address.only().changed(project=row["project"], job=row["job"] or None)
