"""The result that an allocation must have, computed row by row with Python's own integers and Decimal.

Shares no code with what it is compared with: no SQL, no combinations, no rounding of the package.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

CHARGE_TYPES = ("compute", "dlc", "user", "storage", "network", "lease", "lease_overage", "ipranges", "other")
UNITS = 10**12
WIDE = Context(prec=100, rounding=ROUND_HALF_UP)
COST = Decimal(1).scaleb(-16)
CREDIT = Decimal(1).scaleb(-6)


def expected(rows: Sequence[Mapping[str, Any]], tags: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """(row, charge type, tag, value, rule, source value, split, share, jobs, runs, seconds, credits, cost), sorted.

    In: rows as `allocation_builders.daily_cost` makes them, tags as plain tables, each after those it asks for.
    """
    sources = [(number, charge_type) for number, row in enumerate(rows) for charge_type in _charge_types(row)]
    before: dict[str, dict[tuple[int, str], tuple[str, str]]] = {}
    parts: list[tuple[Any, ...]] = []
    for tag in tags:
        decided = {
            (number, charge): _decide(tag, {**rows[number], "charge_type": charge}, (number, charge), before)
            for number, charge in sources
        }
        before[tag["name"]] = decided
        parts += _parts(tag, rows, decided)
    return sorted(parts, key=repr)


def _charge_types(row: Mapping[str, Any]) -> list[str]:
    return [name for name in CHARGE_TYPES if name == "compute" or row[f"{name}_credits"]]


def _decide(tag: Mapping[str, Any], row: Mapping[str, Any], source: tuple[int, str], before: Any) -> tuple[str, str]:
    def shown(name: str) -> str:
        if name in before:
            return str(before[name][source][0])
        return "(none)" if row[name] is None else str(row[name])

    for number, rule in enumerate(tag["rules"], start=1):
        if not rule.get("from", date.min) <= row["date"] <= rule.get("until", date.max):
            continue
        alternatives = rule.get("where", {})
        alternatives = alternatives if isinstance(alternatives, list) else [alternatives]
        if any(all(_holds(shown(name), wanted) for name, wanted in table.items()) for table in alternatives):
            value = rule["value"] if "value" in rule else shown(rule["value_of"])
            return value, rule.get("name", f"rule {number}")
    return tag.get("default", "unallocated"), "default"


def _holds(value: str, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return value == wanted
    if isinstance(wanted, list):
        return value in wanted
    if "glob" in wanted and not fnmatch.fnmatchcase(value, wanted["glob"]):
        return False
    return not ("not" in wanted and _holds(value, wanted["not"]))


def _parts(tag: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], decided: Any) -> Iterator[tuple[Any, ...]]:
    shares = _Shares(tag, rows, decided)
    for (number, charge), (value, rule) in decided.items():
        row = rows[number]
        credits, cost = row[f"{charge}_credits"], row[f"{charge}_cost_usd"]
        counts = (row["jobs"], row["runs"], row["run_seconds"]) if charge == "compute" else (0, 0, 0)
        split_shares = shares.of(row, charge, value)
        head = (number, charge, tag["name"])
        if not split_shares:
            yield (*head, value, rule, value, None, Decimal(1), *counts, credits, cost)
            continue
        label, units = split_shares
        nothing = None if cost is None else Decimal(0)
        yield (*head, value, rule, value, label, Decimal(0), *counts, Decimal(0), nothing)
        until = 0
        for target, part in sorted(units.items()):
            since, until = until, until + part
            share = Decimal(part).scaleb(-12)
            amounts = (_between(credits, since, until, CREDIT), _between(cost, since, until, COST))
            yield (*head, target, rule, value, label, share, 0, 0, 0, *amounts)


def _between(amount: Decimal | None, since: int, until: int, unit: Decimal) -> Decimal | None:
    if amount is None:
        return None
    ends = [WIDE.quantize(WIDE.multiply(amount, Decimal(end).scaleb(-12)), unit) for end in (since, until)]
    return ends[1] - ends[0]


class _Shares:
    """The shares of each split, day and group, worked out when they are first asked for."""

    def __init__(self, tag: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], decided: Any) -> None:
        self.tag, self.rows, self.decided = tag, rows, decided
        self.splits = tag.get("splits", [])
        self.known: dict[Any, dict[str, int]] = {}

    def of(self, row: Mapping[str, Any], charge: str, value: str) -> tuple[str, dict[str, int]] | None:
        for split in self.splits:
            dated = split.get("from", date.min) <= row["date"] <= split.get("until", date.max)
            if split["value"] == value and dated and charge in split.get("charge_types", CHARGE_TYPES):
                part = row[split["within"]] if "within" in split else ""
                key = (split["name"], row["date"], part)
                if key not in self.known:
                    self.known[key] = self._shares(split, row["date"], part)
                return (split["name"], self.known[key]) if self.known[key] else None
        return None

    def _shares(self, split: Mapping[str, Any], day: date, part: str) -> dict[str, int]:
        weights = self._weights(split, split["method"], day, part)
        fallback = split.get("fallback", "proportional")
        if not weights and fallback == "previous":
            earlier = sorted({row["date"] for row in self.rows if row["date"] < day}, reverse=True)
            weights = next(
                filter(None, (self._weights(split, split["method"], earlier_day, part) for earlier_day in earlier)), {}
            )
        elif not weights and fallback != "keep":
            weights = self._weights(split, fallback, day, part)
        total = sum(weights.values())
        units = {target: weight * UNITS // total for target, weight in weights.items()}
        by_remainder = sorted(weights, key=lambda target: (-(weights[target] * UNITS % total), target))
        for target in by_remainder[: UNITS - sum(units.values()) if weights else 0]:
            units[target] += 1
        return {target: part for target, part in units.items() if part}

    def _weights(self, split: Mapping[str, Any], method: str, day: date, part: str) -> dict[str, int]:
        named = list(split.get("shares", split.get("among", [])))
        sums: dict[str, list[Any]] = defaultdict(lambda: [Decimal(0), Decimal(0), False, 0, 0])
        sources = {split["value"] for split in self.splits}
        for (number, charge), (value, _) in self.decided.items():
            row = self.rows[number]
            inside = "within" not in split or row[split["within"]] == part
            wanted = value in named if named else value != self.tag.get("default", "unallocated")
            if row["date"] != day or not inside or not wanted or value in sources:
                continue
            cost = row[f"{charge}_cost_usd"]
            amounts = sums[value]
            amounts[0] += cost or 0
            amounts[1] += row[f"{charge}_credits"]
            amounts[2] |= cost is None and row[f"{charge}_credits"] != 0
            if charge == "compute":
                amounts[3] += row["runs"]
                amounts[4] += row["run_seconds"]
        if method == "even":
            weights = dict.fromkeys(named or sums, 1)
        elif method == "fixed":
            weights = {target: int(Decimal(str(share)) * 10**9) for target, share in split["shares"].items()}
        elif method == "telemetry":
            weights = {value: amounts[3 if split["by"] == "runs" else 4] for value, amounts in sums.items()}
        else:
            by_credits = any(amounts[2] for amounts in sums.values()) or not any(
                amounts[0] for amounts in sums.values()
            )
            scale = (1, 10**6) if by_credits else (0, 10**16)
            weights = {value: int(amounts[scale[0]] * scale[1]) for value, amounts in sums.items()}
        return {target: weight for target, weight in weights.items() if weight > 0}
