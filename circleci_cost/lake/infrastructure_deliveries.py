"""Which deliveries the files of a source belong to, and which of these are newer: clouds deliver a month anew each day.

Files are told apart by their paths here; that of the deliveries of a billing period the newest one counts is decided
in `infrastructure`, where it is known which periods a file holds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from circleci_cost.errors import ExportDataError
from circleci_cost.lake.infrastructure_manifests import Manifest, listed
from circleci_cost.lake.remote_files import FoundFile
from circleci_cost.model.infrastructure.definition import Infrastructure

# AWS names the folder of a billing period BILLING_PERIOD=2026-08, Azure and older reports 20260801-20260831.
_PERIOD = re.compile(r"billing_period=\d{4}-\d{2}(?:-\d{2})?|20\d{6}-20\d{6}", re.I)
_TIME = re.compile(
    r"(?<!\d)20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T_ -]?(?:[01]\d|2[0-3])[:_-]?[0-5]\d(?:[:_-]?[0-5]\d(?:\.\d+)?)?Z?)?(?!\d)"
)
_RUN_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
_NOTHING_USED = "Nothing of this source was used."
Order: TypeAlias = tuple[str, int]


@dataclass(frozen=True)
class Delivery:
    """What was delivered together. Those of one `stream` replace each other: the greatest `order` is the newest.

    `whole` says that the stream is a single billing period, else the periods of the files are looked at. A delivery
    that is not `finished` has no manifest yet where others have one, and does not count; one that is `broken` lacks a
    file, as the sentence says, and can't count. `modified` is when the newest of its files was written.
    """

    stream: str
    name: str
    whole: bool
    order: Order = ("", 0)
    finished: bool = True
    broken: str = ""
    modified: int = 0


@dataclass(frozen=True)
class Deliveries:
    """The delivery of each file by its name; a file without one counts by itself.

    `unlisted` are files that no manifest names although one is there for their folder: leftovers of a former delivery.
    """

    of: Mapping[str, Delivery]
    unlisted: frozenset[str] = frozenset()

    def newest(self, of: Sequence[Delivery]) -> Delivery | None:
        """The newest of some deliveries of a stream. Raises `ExportDataError` where that cannot be told."""
        finished = [each for each in dict.fromkeys(of) if each.finished]
        if not finished:
            return None
        found = max(finished, key=lambda each: each.order)
        equal = sorted(each.name for each in finished if each.order == found.order)
        if len(equal) > 1:
            raise ExportDataError(
                f"{equal[0]} and {equal[1]} are of the same time, so that it cannot be told which delivery is newer; "
                "remove one of them, or say with deliveries in the [[infrastructure]] section what tells (README). "
                f"{_NOTHING_USED}"
            )
        if found.broken:
            raise ExportDataError(found.broken)
        return found

    @property
    def unfinished(self) -> list[str]:
        """Deliveries without a manifest that are newer than those of their stream that have one."""
        newest: dict[str, int] = {}
        for each in self.of.values():
            if each.finished:
                newest[each.stream] = max(newest.get(each.stream, 0), each.modified)
        waiting = (each for each in self.of.values() if not each.finished)
        return sorted({each.name for each in waiting if each.modified > newest.get(each.stream, 0)})


def may_need_manifests(source: Infrastructure, files: Sequence[FoundFile]) -> bool:
    """Whether manifests say more than paths do."""
    by_period = any(_place(file.name).period is not None for file in files)
    return source.deliveries == "manifest" or (source.deliveries == "auto" and by_period)


def deliveries_of(source: Infrastructure, files: Sequence[FoundFile], manifests: Sequence[Manifest]) -> Deliveries:
    """The deliveries of a source, told as its section says. Raises `ExportDataError` where they cannot be told."""
    said = source.deliveries
    placed = {} if said == "all" else {file.name: _delivery(file, said) for file in files}
    of = {name: delivery for name, delivery in placed.items() if delivery is not None}
    made, unlisted, broken = _by_manifest(of, files, manifests)
    if said == "manifest" and not made:
        raise ExportDataError(
            f"{files[0].name}: there is no manifest beside it or in the folder metadata; have it delivered or copied, "
            f'or write another word than deliveries = "manifest" in the [[infrastructure]] section. {_NOTHING_USED}'
        )
    modified: dict[Delivery, int] = {}
    for file in files:
        if file.name in of:
            modified[of[file.name]] = max(modified.get(of[file.name], 0), file.modified)
    ordered: dict[Delivery, Delivery] = {}
    for deliveries in _grouped(of).values():
        ordered |= _ordered(said, deliveries, made, modified)
    known = {
        each: replace(delivery, broken=broken.get(each, ""), modified=modified[each])
        for each, delivery in ordered.items()
    }
    return Deliveries({name: known[each] for name, each in of.items()}, frozenset(unlisted))


@dataclass(frozen=True)
class _Place:
    """Where a file is: the folder of its billing period, if any, and the folders of a run below that."""

    parts: tuple[str, ...]
    period: int | None

    @property
    def run(self) -> tuple[str, ...]:
        return self.parts[self.period + 1 : -1] if self.period is not None else ()


def _place(name: str) -> _Place:
    parts = tuple(name.split("/"))
    periods = [at for at, part in enumerate(parts[:-1]) if _PERIOD.fullmatch(part)]
    return _Place(parts, periods[-1] if periods else None)


def _is_run(folder: str) -> bool:
    return _RUN_ID.search(folder) is not None or _TIME.search(folder) is not None


def _delivery(file: FoundFile, said: str) -> Delivery | None:
    place = _place(file.name)
    folder = place.parts[:-1]
    by_run = all(map(_is_run, place.run))
    if said == "name" or (said == "time" and not (place.period is not None or _is_run(folder[-1]))):
        stem = _RUN_ID.sub("*", _TIME.sub("*", place.parts[-1]))
        return Delivery("/".join((*folder, stem)), file.name, whole=False)
    if place.period is not None and by_run:
        return Delivery("/".join(place.parts[: place.period + 1]), "/".join(folder), whole=True)
    if said == "auto":
        return None
    return Delivery("/".join(folder[:-1]), "/".join(folder), whole=False)


def _grouped(of: Mapping[str, Delivery]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = {}
    for delivery in dict.fromkeys(of.values()):
        found.setdefault(delivery.stream, []).append(delivery)
    return found


def _by_manifest(
    of: Mapping[str, Delivery], files: Sequence[FoundFile], manifests: Sequence[Manifest]
) -> tuple[dict[Delivery, Order], set[str], dict[Delivery, str]]:
    """When each delivery was made that a manifest names, the files of these that none names, and what others lack."""
    there = [file for file in files if file.name in of]
    made: dict[Delivery, Order] = {}
    named: dict[Delivery, dict[Order, set[str]]] = {}
    broken: dict[Delivery, str] = {}
    for manifest in manifests:
        order = (manifest.made, manifest.modified)
        entries = listed(manifest, there)
        known = {file.name for file in entries.values() if file is not None}
        missing = sorted(entry for entry, file in entries.items() if file is None)
        for name in known:
            named.setdefault(of[name], {}).setdefault(order, set()).add(name)
            made[of[name]] = max(made.get(of[name], order), order)
            if missing:
                broken[of[name]] = (
                    f"{manifest.name} lists {missing[0]}, which is no file of this source; have it delivered or "
                    f"copied, or widen the files of [[infrastructure]]. {_NOTHING_USED}"
                )
    counted = {name for delivery, by_order in named.items() for name in by_order[made[delivery]]}
    return made, {name for name, delivery in of.items() if delivery in made and name not in counted}, broken


def _ordered(
    said: str,
    deliveries: Sequence[Delivery],
    made: Mapping[Delivery, Order],
    modified: Mapping[Delivery, int],
) -> dict[Delivery, Delivery]:
    times = {each: _time_in(each, said) for each in deliveries}
    finished = [each for each in deliveries if each in made]
    if finished or said == "manifest":
        # What a manifest says itself is best; its file may have been copied later.
        own, named = all(made[each][0] for each in finished), all(times[each] for each in finished)
        order = {each: _first(own, made[each][0], named, times[each], made[each][1]) for each in finished}
        return {each: replace(each, order=order.get(each, ("", 0)), finished=each in made) for each in deliveries}
    unknown = sorted(each.name for each, time in times.items() if not time)
    if said in ("folder", "name") and unknown and len(deliveries) > 1:
        what = "the name of its folder" if said == "folder" else "its name"
        raise ExportDataError(
            f"{unknown[0]}: {what} holds no date such as 2026-08-16, so that it cannot be told which delivery is "
            f'newer; write another word than deliveries = "{said}" in the [[infrastructure]] section. {_NOTHING_USED}'
        )
    if said != "time" and not unknown:
        return {each: replace(each, order=(times[each], 0)) for each in deliveries}
    return {each: replace(each, order=("", modified[each])) for each in deliveries}


def _first(own: bool, made: str, named: bool, time: str, modified: int) -> Order:
    if own:
        return made, 0
    return (time, 0) if named else ("", modified)


def _time_in(delivery: Delivery, said: str) -> str:
    text = delivery.name.rpartition("/")[2] if said == "name" else delivery.name[len(delivery.stream) :]
    found = _TIME.search(text)
    return re.sub(r"\D", "", found.group()) if found else ""
