"""Decides which amount of a row counts, and which rows are no cost of a day: taxes, and purchases for other rows.

Reading values is the job of `values`, adding rows up that of `rows`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import polars as pl

from circleci_cost.model.infrastructure.columns import BILLED, CHARGE_CATEGORY, COMMITMENT, COST
from circleci_cost.model.infrastructure.values import AMOUNT, amounts

Purchases: TypeAlias = Literal["specification", "count", "leave_out"]


@dataclass(frozen=True)
class Charges:
    """The amounts of the rows of `frame`, whose columns are text under the names of `columns`.

    A row costs its effective cost or, where it has none, its billed cost; where the file has no column of effective
    costs, always its billed cost.
    """

    frame: pl.DataFrame
    purchases: Purchases

    @cached_property
    def text(self) -> pl.Series:
        """The amount that counts, as the file writes it."""
        effective = self._column(COST)
        return effective.zip_with(effective.is_not_null(), self._column(BILLED))

    @cached_property
    def amount(self) -> pl.Series:
        """The amount that counts, NULL where none can be read."""
        return self._effective.zip_with(self._column(COST).is_not_null(), self._billed)

    @cached_property
    def written_in(self) -> pl.Series:
        """The column from which each row's amount is read; `COST` where neither is filled."""
        billed = self._column(COST).is_null() & self._column(BILLED).is_not_null()
        return pl.Series([COST], dtype=pl.String).new_from_index(0, len(billed)).zip_with(~billed, pl.Series([BILLED]))

    @cached_property
    def left_out(self) -> pl.Series:
        """The rows that are no cost: taxes, and purchases that other rows of the files account for.

        FOCUS: the EffectiveCost of a purchase MUST be 0 where it covers future charges, whose own EffectiveCost then
        holds their part of it; a purchase with another EffectiveCost covers no other charges. A purchase that names a
        commitment is covered by its use, whatever a provider writes. A billed cost contains no part of an earlier
        purchase, so by billed cost every purchase counts.
        """
        category = self._column(CHARGE_CATEGORY).str.to_lowercase()
        purchase = (category == "purchase").fill_null(False)
        return (category == "tax").fill_null(False) | (purchase & self._covers)

    @cached_property
    def stated(self) -> pl.Series:
        """The billed cost of each row, or else its effective cost; 0 where neither can be read."""
        return self._billed.zip_with(self._billed.is_not_null(), self._effective).fill_null(0).cast(AMOUNT)

    @property
    def filled(self) -> tuple[int, int]:
        """The number of counted rows whose effective cost is not 0, and of those whose billed cost is not 0."""
        known = ~self.left_out & self._effective.is_not_null()
        return int((known & (self._effective != 0)).sum()), int((known & (self._billed != 0)).fill_null(False).sum())

    @property
    def _covers(self) -> pl.Series:
        if self.purchases != "specification" or COST not in self.frame.columns:
            return pl.Series([self.purchases == "leave_out"]).new_from_index(0, self.frame.height)
        return self._column(COMMITMENT).is_not_null() | (self._effective == 0).fill_null(False)

    @cached_property
    def _effective(self) -> pl.Series:
        return amounts(self._column(COST))

    @cached_property
    def _billed(self) -> pl.Series:
        return amounts(self._column(BILLED))

    def _column(self, name: str) -> pl.Series:
        if name in self.frame.columns:
            return self.frame.get_column(name)
        return pl.Series([None], dtype=pl.String).new_from_index(0, self.frame.height)
