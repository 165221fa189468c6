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
from circleci_cost.text.units import counted
from circleci_cost.warehouse.allocation.coverage import Coverage, Suggestion
from circleci_cost.warehouse.allocation.diff import Difference
from circleci_cost.warehouse.allocation.explain import Origin

# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"condition": 4, "before the split": 3, "credits": 2, "runs": 1}
_MOST_MOVES = 20


def write_origins(
    tag: str, days: DayRange, origins: Sequence[Origin], conditions: Mapping[str, str], *, as_json: bool
) -> None:
    """Write where the cost of a tag's values came from; `conditions` are the texts of the rules."""
    total = add_up((origin.amount for origin in origins), counted=True)
    if as_json:
        rows = [
            {
                "value": origin.value,
                "rule": origin.rule,
                "condition": conditions.get(origin.rule),
                "source_value": origin.source_value,
                "split": origin.split,
                "share": [credits_text(origin.least_share), credits_text(origin.greatest_share)],
                "days": origin.days,
                "cost": cost_text(origin.amount.cost),
                "credits": credits_text(origin.amount.credits),
                "runs": origin.amount.runs,
            }
            for origin in origins
        ]
        total_json = {"cost": cost_text(total.cost), "credits": credits_text(total.credits), "runs": total.runs}
        write_json({"tag": tag, **_days(days), "currency": CURRENCY, "total": total_json, "rows": rows})
        return
    rows_shown = [
        [
            origin.value,
            origin.rule,
            conditions.get(origin.rule, ""),
            origin.source_value,
            origin.split or "",
            origin.shares,
            f"{origin.amount.runs:,}",
            whole_number(origin.amount.credits),
            dollars(origin.amount.cost),
        ]
        for origin in origins
    ]
    texts = [tag, "rule", "condition", "before the split", "split"]
    table = _fitted(texts, ["share", "runs", "credits", "cost"], rows_shown)
    _print(f"Where the cost by {tag} comes from, {days.first} to {days.last}", table, exact_sum(total))


def write_difference(days: DayRange, difference: Difference, *, as_json: bool) -> None:
    """Write each value before and after, then what moves between which values."""
    if as_json:
        changes = [
            {
                "tag": change.tag,
                "value": change.value,
                "before": cost_text(change.before),
                "after": cost_text(change.after),
                "change": cost_text(change.change),
                "credits_before": credits_text(change.credits_before),
                "credits_after": credits_text(change.credits_after),
            }
            for change in difference.changes
        ]
        moves = [
            {"tag": move.tag, "from": move.from_value, "to": move.to_value, "cost": cost_text(move.cost)}
            for move in difference.moves
        ]
        write_json({**_days(days), "currency": CURRENCY, "changes": changes, "moves": moves})
        return
    rows_shown = [
        [
            change.tag,
            change.value,
            dollars(change.before),
            dollars(change.after),
            signed(change.change) if change.change else "–",
        ]
        for change in difference.changes
    ]
    table = _fitted(["tag", "value"], ["before", "after", "change"], rows_shown)
    is_different = any(change.change or change.credits_before != change.credits_after for change in difference.changes)
    closing = "Nothing is written; this is what the next run will show." if is_different else "Nothing would move."
    _print(f"What the configuration would change, {days.first} to {days.last}", table, closing)
    if difference.moves:
        largest = [
            [move.tag, move.from_value, move.to_value, dollars(move.cost)] for move in difference.moves[:_MOST_MOVES]
        ]
        table = _fitted(["tag", "from", "to"], ["cost"], largest)
        further = len(difference.moves) - _MOST_MOVES
        _print(
            "What moves", table, f"{counted(further, 'smaller move')} more: --json shows all." if further > 0 else ""
        )


def write_coverage(
    answers: Sequence[tuple[VirtualTag, Sequence[Coverage], Sequence[Suggestion]]], *, as_json: bool
) -> None:
    """Write the share of cost with a value for each tag and month, and the suggested rules."""
    if as_json:
        write_json({"currency": CURRENCY, "tags": [_coverage_json(*answer) for answer in answers]})
        return
    for tag, rows, suggestions in answers:
        months = [
            [
                f"{month.month:%Y-%m}" if month.month else "all",
                dollars(month.cost),
                dollars(month.allocated_cost),
                percent(month.share, 1),
            ]
            for month in rows
        ]
        table = _fitted(["month"], ["cost", "with a value", "share"], months)
        _print(f"Cost with a {tag.name}", table, f"Without one it is under {tag.default!r}." if suggestions else "")
        console = results()
        for suggestion in suggestions:
            place = f"{suggestion.project}, {suggestion.workflow}" if suggestion.workflow else suggestion.project
            console.print(Text(f"\n# {dollars(suggestion.cost)}: {shown(place)}"))
            console.print(Text(suggestion.rule))


def _coverage_json(tag: VirtualTag, rows: Sequence[Coverage], suggestions: Sequence[Suggestion]) -> dict[str, object]:
    def row(coverage: Coverage) -> dict[str, object]:
        return {
            "month": f"{coverage.month:%Y-%m}" if coverage.month else None,
            "cost": cost_text(coverage.cost),
            "allocated_cost": cost_text(coverage.allocated_cost),
            "credits": credits_text(coverage.credits),
            "allocated_credits": credits_text(coverage.allocated_credits),
            "share": f"{coverage.share:.6f}",
        }

    return {
        "tag": tag.name,
        "default": tag.default,
        "min_coverage": None if tag.min_coverage is None else credits_text(tag.min_coverage),
        "months": [row(month) for month in rows[:-1]],
        "total": row(rows[-1]),
        "suggestions": [
            {
                "project": suggestion.project,
                "workflow": suggestion.workflow,
                "cost": cost_text(suggestion.cost),
                "credits": credits_text(suggestion.credits),
                "rule": suggestion.rule,
            }
            for suggestion in suggestions
        ],
    }


def _days(days: DayRange) -> dict[str, str]:
    return {"from": days.first.isoformat(), "to": days.last.isoformat()}


def _fitted(names: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table with columns of names, then of numbers; each row holds its cells in that order."""
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
