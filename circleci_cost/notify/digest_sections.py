"""Words what a digest says beside costs and budgets: waste, and resource classes. None where there is nothing to say.

Pure: `digest_occasions` reads what was published.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
from pydantic import JsonValue

from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.notify.digest_events import DigestRow, DigestSection, row_json
from circleci_cost.text.amounts import WIDE, dollars, exact, percent
from circleci_cost.text.units import counted
from circleci_cost.warehouse.efficiency.scope_waste import ScopeWaste, WastePart

# A digest is read in a minute: so many jobs of each kind, the commands have the others.
_SHOWN = 3


def waste_section(waste: ScopeWaste | None) -> DigestSection | None:
    """The waste of a period by cause, against the period before, and the jobs with most of it."""
    if waste is None:
        return None
    total = _row(waste.total, "all waste")
    share = f", {percent(WIDE.divide(total.cost, waste.whole), 1)} of what the jobs cost" if waste.whole else ""
    lines = [f"Waste: {dollars(total.cost)}{share}; {total.change} against the period before."]
    if top := waste.jobs[:_SHOWN]:
        lines.append(f"Most waste: {', '.join(f'{job.name} {dollars(job.cost)}' for job in top)}.")
    causes = [_row(cause, f"waste: {cause.name}") for cause in waste.causes]
    return DigestSection(
        tuple(lines),
        {
            "cost_usd": exact(total.cost),
            "cost_usd_before": exact(total.before),
            "whole_cost_usd": exact(waste.whole),
            "causes": [row_json(_row(cause, cause.name)) for cause in waste.causes],
            "jobs": [row_json(_row(job, job.name)) for job in top],
        },
        (*causes, total),
    )


def class_section(advice: pl.DataFrame, changes: pl.DataFrame, since: date) -> DigestSection | None:
    """The largest likely savings by other classes, the changes to revert, and those since a day that are to be kept.

    In: the advice and the changes of the digest's jobs, the largest saving and the costliest change first.
    """
    revert = changes.filter(change_listing.is_to_revert())
    # What a change has proved is not estimated as well.
    places = ["cost_center", "project_id", "job"]
    best = advice.filter(pl.col("best") & (pl.col("saving_usd") > 0)).join(
        revert, on=places, how="anti", maintain_order="left"
    )
    keep = changes.filter((pl.col("verdict") == "keep") & pl.col("current") & (pl.col("date") >= since)).reverse()
    if best.is_empty() and revert.is_empty() and keep.is_empty():
        return None
    lines = _sentences(revert, change_listing.revert_sentence, "classes --changes")
    if not best.is_empty():
        lines.append(f"Other resource classes for {counted(best.height, 'job')} {advice_listing.together(best)}")
    lines += _sentences(best, advice_listing.sentence, "classes")
    lines += _sentences(keep, change_listing.keep_sentence, "classes --changes")
    sums = best.select("saving_usd", "saving_low_usd", "saving_high_usd").sum().row(0, named=True)
    data: dict[str, JsonValue] = {name: exact(value) for name, value in sums.items()}
    data |= {
        "advice": [advice_listing.as_json(row) for row in best.head(_SHOWN).iter_rows(named=True)],
        "to_revert": [change_listing.as_json(row) for row in revert.head(_SHOWN).iter_rows(named=True)],
        "to_keep": [change_listing.as_json(row) for row in keep.head(_SHOWN).iter_rows(named=True)],
    }
    return DigestSection(tuple(lines), data)


def _sentences(rows: pl.DataFrame, say: Callable[[Mapping[str, Any]], str], command: str) -> list[str]:
    """The first rows as sentences, and the command that shows the others."""
    sentences = [say(row) for row in rows.head(_SHOWN).iter_rows(named=True)]
    further = rows.height - _SHOWN
    return [*sentences, f"`circleci-cost {command}` shows {further:,} more."] if further > 0 else sentences


def _row(part: WastePart, name: str) -> DigestRow:
    return DigestRow(name, part.cost, part.before)
