"""Writes the answers of `allocation` to stdout: as tables for people, as exact JSON."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from circleci_cost.cli.report_output import exact_sum
from circleci_cost.cli.streams import results, shown, write_json
from circleci_cost.cli.tables import Column, fitted
from circleci_cost.day_ranges import DayRange
from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.reporting.report import CURRENCY, add_up
from circleci_cost.text.amounts import cost_text, credits_text, dollars, percent, signed, whole_number
from circleci_cost.warehouse.allocation.coverage import Coverage, Suggestion
from circleci_cost.warehouse.allocation.diff import Difference
from circleci_cost.warehouse.allocation.explain import Origin

# What a narrow terminal leaves out first.
_LESSER = {"condition": 4, "before the split": 3, "credits": 2, "runs": 1}
_MOST_MOVES = 20


def write_origins(
    tag: str, days: DayRange, origins: Sequence[Origin], conditions: Mapping[str, str], *, as_json: bool
) -> None:
    """Write where the cost of a tag's values came from; `conditions` are the rules' own words."""
    total = add_up((each.amount for each in origins), counted=True)
    if as_json:
        rows = [
            {
                "value": each.value,
                "rule": each.rule,
                "condition": conditions.get(each.rule),
                "source_value": each.source_value,
                "split": each.split,
                "share": [credits_text(each.least_share), credits_text(each.greatest_share)],
                "days": each.days,
                "cost": cost_text(each.amount.cost),
                "credits": credits_text(each.amount.credits),
                "runs": each.amount.runs,
            }
            for each in origins
        ]
        in_all = {"cost": cost_text(total.cost), "credits": credits_text(total.credits), "runs": total.runs}
        write_json({"tag": tag, **_days(days), "currency": CURRENCY, "total": in_all, "rows": rows})
        return
    rows_shown = [
        [
            each.value,
            each.rule,
            conditions.get(each.rule, ""),
            each.source_value,
            each.split or "",
            _shares(each),
            f"{each.amount.runs:,}",
            whole_number(each.amount.credits),
            dollars(each.amount.cost),
        ]
        for each in origins
    ]
    texts = [tag, "rule", "condition", "before the split", "split"]
    table = _fitted(texts, ["share", "runs", "credits", "cost"], rows_shown)
    _print(f"Where the cost by {tag} comes from, {days.first} to {days.last}", table, exact_sum(total))


def write_difference(days: DayRange, found: Difference, *, as_json: bool) -> None:
    """Write each value before and after, then what moves between which values."""
    if as_json:
        changes = [
            {
                "tag": each.tag,
                "value": each.value,
                "before": cost_text(each.before),
                "after": cost_text(each.after),
                "change": cost_text(each.change),
                "credits_before": credits_text(each.credits_before),
                "credits_after": credits_text(each.credits_after),
            }
            for each in found.changes
        ]
        moves = [
            {"tag": each.tag, "from": each.from_value, "to": each.to_value, "cost": cost_text(each.cost)}
            for each in found.moves
        ]
        write_json({**_days(days), "currency": CURRENCY, "changes": changes, "moves": moves})
        return
    rows_shown = [
        [
            each.tag,
            each.value,
            dollars(each.before),
            dollars(each.after),
            signed(each.change) if each.change else "–",
        ]
        for each in found.changes
    ]
    table = _fitted(["tag", "value"], ["before", "after", "change"], rows_shown)
    moved = any(each.change or each.credits_before != each.credits_after for each in found.changes)
    closing = "Nothing is written; this is what the next run will show." if moved else "Nothing would move."
    _print(f"What the configuration would change, {days.first} to {days.last}", table, closing)
    if found.moves:
        largest = [[each.tag, each.from_value, each.to_value, dollars(each.cost)] for each in found.moves[:_MOST_MOVES]]
        table = _fitted(["tag", "from", "to"], ["cost"], largest)
        more = len(found.moves) - _MOST_MOVES
        _print("What moves", table, f"{more:,} smaller moves more: --json shows all." if more > 0 else "")


def write_coverage(
    answers: Sequence[tuple[VirtualTag, Sequence[Coverage], Sequence[Suggestion]]], *, as_json: bool
) -> None:
    """Write the share that has a value for each tag and month, and the rules that are suggested."""
    if as_json:
        write_json({"currency": CURRENCY, "tags": [_coverage_json(*each) for each in answers]})
        return
    for tag, rows, suggested in answers:
        months = [
            [
                f"{each.month:%Y-%m}" if each.month else "all",
                dollars(each.cost),
                dollars(each.allocated_cost),
                percent(each.share, 1),
            ]
            for each in rows
        ]
        table = _fitted(["month"], ["cost", "with a value", "share"], months)
        _print(f"Cost with a {tag.name}", table, f"Without one it is under {tag.default!r}." if suggested else "")
        console = results()
        for suggestion in suggested:
            place = f"{suggestion.project}, {suggestion.workflow}" if suggestion.workflow else suggestion.project
            console.print(Text(f"\n# {dollars(suggestion.cost)}: {shown(place)}"))
            console.print(Text(suggestion.rule))


def _coverage_json(tag: VirtualTag, rows: Sequence[Coverage], suggested: Sequence[Suggestion]) -> dict[str, object]:
    def row(each: Coverage) -> dict[str, object]:
        return {
            "month": f"{each.month:%Y-%m}" if each.month else None,
            "cost": cost_text(each.cost),
            "allocated_cost": cost_text(each.allocated_cost),
            "credits": credits_text(each.credits),
            "allocated_credits": credits_text(each.allocated_credits),
            "share": f"{each.share:.6f}",
        }

    return {
        "tag": tag.name,
        "default": tag.default,
        "min_coverage": None if tag.min_coverage is None else credits_text(tag.min_coverage),
        "months": [row(each) for each in rows[:-1]],
        "total": row(rows[-1]),
        "suggestions": [
            {
                "project": each.project,
                "workflow": each.workflow,
                "cost": cost_text(each.cost),
                "credits": credits_text(each.credits),
                "rule": each.rule,
            }
            for each in suggested
        ],
    }


def _shares(origin: Origin) -> str:
    if origin.split is None:
        return ""
    least, greatest = (percent(share, 1) for share in (origin.least_share, origin.greatest_share))
    return least if least == greatest else f"{least} – {greatest}"


def _days(days: DayRange) -> dict[str, str]:
    return {"from": days.first.isoformat(), "to": days.last.isoformat()}


def _fitted(names: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of names, then numbers, whose rows are `names`' and `numbers`' cells one after the other."""
    columns = [
        *(Column(name, name=True, lesser=_LESSER.get(name, 0)) for name in names),
        *(Column(name, right=True, lesser=_LESSER.get(name, 0)) for name in numbers),
    ]
    return fitted(columns, [[Text(shown(cell)) for cell in row] for row in rows], results().width)


def _print(title: str, table: Table, closing: str) -> None:
    console = results()
    console.print(Text(shown(title), style="bold"))
    console.print(table)
    if closing:
        console.print(Text(closing, style="bold"))
