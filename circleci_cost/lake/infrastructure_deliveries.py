"""Groups the files of a source into deliveries and orders these by age: clouds deliver a month anew each day.

Only paths and manifests are looked at here. Which delivery counts for a billing period is decided in
`infrastructure`, where the periods of each file are known.
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
    """Files that were delivered together. Deliveries of one `stream` replace each other: the greatest `order` wins.

    `whole` says that the stream is a single billing period; otherwise the periods of the files are compared. A
    delivery that is not `finished` has no manifest yet where others have one, and does not count. `broken` is a
    sentence about a file that the delivery lacks; such a delivery cannot count. `modified` is when the newest of its
    files was written.
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
    """The delivery of each file, by file name; a file without one counts by itself.

    `unlisted` are files whose delivery has a manifest that does not name them: leftovers of a former delivery.
    """

    of: Mapping[str, Delivery]
    unlisted: frozenset[str] = frozenset()

    def newest(self, of: Sequence[Delivery]) -> Delivery | None:
        """Return the newest finished delivery of a stream. Raises `ExportDataError` for a tie and for a broken one."""
        finished = [delivery for delivery in dict.fromkeys(of) if delivery.finished]
        if not finished:
            return None
        newest = max(finished, key=lambda delivery: delivery.order)
        equal = sorted(delivery.name for delivery in finished if delivery.order == newest.order)
        if len(equal) > 1:
            raise ExportDataError(
                f"{equal[0]} and {equal[1]} are of the same time, so that it cannot be told which delivery is newer; "
                "remove one of them, or set deliveries in the [[infrastructure]] section to what shows it (README). "
                f"{_NOTHING_USED}"
            )
        if newest.broken:
            raise ExportDataError(newest.broken)
        return newest

    @property
    def unfinished(self) -> list[str]:
        """The names of deliveries without a manifest that are newer than all of their stream that have one."""
        newest: dict[str, int] = {}
        for delivery in self.of.values():
            if delivery.finished:
                newest[delivery.stream] = max(newest.get(delivery.stream, 0), delivery.modified)
        waiting = (delivery for delivery in self.of.values() if not delivery.finished)
        return sorted({delivery.name for delivery in waiting if delivery.modified > newest.get(delivery.stream, 0)})


def may_need_manifests(source: Infrastructure, files: Sequence[FoundFile]) -> bool:
    """Whether manifests can tell more than the paths do."""
    by_period = any(_place(file.name).period is not None for file in files)
    return source.deliveries == "manifest" or (source.deliveries == "auto" and by_period)


def deliveries_of(source: Infrastructure, files: Sequence[FoundFile], manifests: Sequence[Manifest]) -> Deliveries:
    """Group files into deliveries as the source's section says. Raises `ExportDataError` where that is impossible."""
    method = source.deliveries
    placed = {} if method == "all" else {file.name: _delivery(file, method) for file in files}
    of = {name: delivery for name, delivery in placed.items() if delivery is not None}
    orders, unlisted, broken = _by_manifest(of, files, manifests)
    if method == "manifest" and not orders:
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
        ordered |= _ordered(method, deliveries, orders, modified)
    final = {
        original: replace(delivery, broken=broken.get(original, ""), modified=modified[original])
        for original, delivery in ordered.items()
    }
    return Deliveries({name: final[original] for name, original in of.items()}, frozenset(unlisted))


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


def _delivery(file: FoundFile, method: str) -> Delivery | None:
    place = _place(file.name)
    folder = place.parts[:-1]
    by_run = all(map(_is_run, place.run))
    if method == "name" or (method == "time" and not (place.period is not None or _is_run(folder[-1]))):
        stem = _RUN_ID.sub("*", _TIME.sub("*", place.parts[-1]))
        return Delivery("/".join((*folder, stem)), file.name, whole=False)
    if place.period is not None and by_run:
        return Delivery("/".join(place.parts[: place.period + 1]), "/".join(folder), whole=True)
    if method == "auto":
        return None
    return Delivery("/".join(folder[:-1]), "/".join(folder), whole=False)


def _grouped(of: Mapping[str, Delivery]) -> dict[str, list[Delivery]]:
    by_stream: dict[str, list[Delivery]] = {}
    for delivery in dict.fromkeys(of.values()):
        by_stream.setdefault(delivery.stream, []).append(delivery)
    return by_stream


def _by_manifest(
    of: Mapping[str, Delivery], files: Sequence[FoundFile], manifests: Sequence[Manifest]
) -> tuple[dict[Delivery, Order], set[str], dict[Delivery, str]]:
    """Return the order of each delivery with a manifest, its unlisted files, and what broken deliveries lack."""
    in_deliveries = [file for file in files if file.name in of]
    orders: dict[Delivery, Order] = {}
    named: dict[Delivery, dict[Order, set[str]]] = {}
    broken: dict[Delivery, str] = {}
    for manifest in manifests:
        order = (manifest.made, manifest.modified)
        entries = listed(manifest, in_deliveries)
        listed_names = {file.name for file in entries.values() if file is not None}
        missing = sorted(entry for entry, file in entries.items() if file is None)
        for name in listed_names:
            named.setdefault(of[name], {}).setdefault(order, set()).add(name)
            orders[of[name]] = max(orders.get(of[name], order), order)
            if missing:
                broken[of[name]] = (
                    f"{manifest.name} lists {missing[0]}, which is no file of this source; have it delivered or "
                    f"copied, or widen the files of [[infrastructure]]. {_NOTHING_USED}"
                )
    counted = {name for delivery, by_order in named.items() for name in by_order[orders[delivery]]}
    return orders, {name for name, delivery in of.items() if delivery in orders and name not in counted}, broken


def _ordered(
    method: str,
    deliveries: Sequence[Delivery],
    orders: Mapping[Delivery, Order],
    modified: Mapping[Delivery, int],
) -> dict[Delivery, Delivery]:
    times = {delivery: _time_in(delivery, method) for delivery in deliveries}
    finished = [delivery for delivery in deliveries if delivery in orders]
    if finished or method == "manifest":
        # The time that a manifest states is best: the manifest itself may have been copied later.
        own, named = all(orders[delivery][0] for delivery in finished), all(times[delivery] for delivery in finished)
        order = {
            delivery: _first(own, orders[delivery][0], named, times[delivery], orders[delivery][1])
            for delivery in finished
        }
        return {
            delivery: replace(delivery, order=order.get(delivery, ("", 0)), finished=delivery in orders)
            for delivery in deliveries
        }
    unknown = sorted(delivery.name for delivery, time in times.items() if not time)
    if method in ("folder", "name") and unknown and len(deliveries) > 1:
        what = "the name of its folder" if method == "folder" else "its name"
        raise ExportDataError(
            f"{unknown[0]}: {what} holds no date such as 2026-08-16, so that it cannot be told which delivery is "
            f'newer; write another word than deliveries = "{method}" in the [[infrastructure]] section. {_NOTHING_USED}'
        )
    if method != "time" and not unknown:
        return {delivery: replace(delivery, order=(times[delivery], 0)) for delivery in deliveries}
    return {delivery: replace(delivery, order=("", modified[delivery])) for delivery in deliveries}


def _first(own: bool, stated: str, named: bool, time: str, modified: int) -> Order:
    if own:
        return stated, 0
    return (time, 0) if named else ("", modified)


def _time_in(delivery: Delivery, method: str) -> str:
    text = delivery.name.rpartition("/")[2] if method == "name" else delivery.name[len(delivery.stream) :]
    match = _TIME.search(text)
    return re.sub(r"\D", "", match.group()) if match else ""
