"""Makes the plan of the virtual tags: reads every file that they name and puts their rules in order.

A mistake in a file is found here, before anything is computed; evaluating the plan is `warehouse.allocation`'s job.
The rules that stand in for a file that cannot be used are in `withheld`.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeVar

import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.codeowners_rules import OwnedProject
from circleci_cost.model.allocation.definition import CodeOwners, Mapping, Split, VirtualTag
from circleci_cost.model.allocation.mapping_files import as_rule, read_mapping
from circleci_cost.model.allocation.plan import Plan, PlannedSplit, PlannedTag, Rules, Stage, TagRule
from circleci_cost.model.allocation.telemetry import read_amounts
from circleci_cost.model.allocation.withheld import (
    UNALLOCATED_UNTIL_THEN,
    stays_with,
    withheld_mapping,
    withheld_project,
    withheld_split,
    withhold_what_follows,
)
from circleci_cost.named_files.csv_tables import read_bytes
from circleci_cost.named_files.file_problem import FileProblem

_Read = TypeVar("_Read")


def prepare(tags: Sequence[VirtualTag], resolve: Callable[[Path], Path]) -> Plan:
    """Read the files of the tags; `resolve` makes their paths absolute (`Settings.resolve`).

    Within a tag the order is rules, mappings, CODEOWNERS, default. Raises `ConfigurationError` for a file that
    cannot be read, names something unknown, or makes tags use each other in a circle.
    """
    plan = prepare_usable(tags, resolve)
    if plan.problems:
        raise ConfigurationError(plan.problems[0].sentence)
    return plan


def prepare_usable(tags: Sequence[VirtualTag], resolve: Callable[[Path], Path]) -> Plan:
    """Read the files of the tags like `prepare`, but report a file that cannot be used as a problem of the plan.

    Cost that such a file might decide is unallocated; cost that it would have split is not split.
    """
    planner = _Planner(tags, resolve)
    while True:
        planned = [planner.planned(tag) for tag in tags]
        try:
            ordered = _ordered(planned)
        except CycleError as error:
            planner.refuse_circle(planned, error.args[1])
        else:
            return planner.plan(withhold_what_follows(ordered))


class _Planner:
    """Reads each file once, and remembers its content or why it cannot be used."""

    def __init__(self, tags: Sequence[VirtualTag], resolve: Callable[[Path], Path]) -> None:
        self._tags = tags
        self._resolve = resolve
        self._contents: dict[Path, bytes] = {}
        # By tag: mapping files that make tags use each other in a circle, with the sentence that says so.
        self._in_circle: dict[tuple[str, Path], str] = {}
        # Ordered sets: many projects share one file, and its sentences are reported once.
        self._warnings: dict[str, None] = {}
        self._readings: dict[str, None] = {}
        self._problems: dict[tuple[str, Path], FileProblem] = {}

    def planned(self, tag: VirtualTag) -> PlannedTag:
        """A tag with the contents of its files."""
        others = [other.name for other in self._tags if other is not tag]
        written = tuple(as_rule(rule, f"rule {number}") for number, rule in enumerate(tag.rules, start=1))
        stages: list[Stage] = [Rules(written)] if written else []
        stages += [self._mapping(tag, mapping, others) for mapping in tag.mappings]
        owned = tuple(rule for entry in tag.codeowners for rule in self._owned(tag, entry))
        stages += [Rules(owned)] if owned else []
        splits = tuple(self._split(tag, split) for split in tag.splits)
        return PlannedTag(tag.name, tag.default, tag.min_coverage, tuple(stages), splits)

    def plan(self, tags: Iterator[PlannedTag]) -> Plan:
        """The plan of the tags in order, with the warnings, readings and problems of their files."""
        digest = hashlib.sha256(repr(tuple(self._tags)).encode())
        for path, content in sorted(self._contents.items()):
            digest.update(hashlib.sha256(content).digest() + path.name.encode())
        return Plan(
            tuple(tags),
            digest.hexdigest()[:16],
            tuple(self._warnings),
            tuple(self._readings),
            tuple(self._problems.values()),
        )

    def refuse_circle(self, planned: Sequence[PlannedTag], circle: Sequence[str]) -> None:
        """Leave out the mapping files that close a circle; the rules of the configuration were checked before."""
        names = " → ".join(reversed(circle))
        sentence = (
            f"Virtual tags use each other in a circle through their mapping files, {names}; take one of these columns "
            "or conditions out."
        )
        for tag, planned_tag in zip(self._tags, planned, strict=True):
            file_stages = planned_tag.stages[1 if tag.rules else 0 :]
            for mapping, stage in zip(tag.mappings, file_stages, strict=False):
                if tag.name in circle and stage.asked_for.intersection(circle):
                    self._in_circle[tag.name, self._resolve(mapping.file)] = sentence

    def _mapping(self, tag: VirtualTag, mapping: Mapping, others: Sequence[str]) -> Stage:
        read = self._read(tag, mapping.file, lambda path, content: read_mapping(path, content, others))
        return read or withheld_mapping(self._resolve(mapping.file))

    def _owned(self, tag: VirtualTag, entry: CodeOwners) -> Iterator[TagRule]:
        owned = self._read(tag, entry.file, lambda path, content: OwnedProject(path, content, entry))
        if owned is None:
            yield withheld_project(self._resolve(entry.file), entry)
            return
        self._warnings |= dict.fromkeys(f"virtual tag {tag.name}: {sentence}" for sentence in owned.warnings)
        self._readings[owned.reading] = None
        if owned.rule:
            yield owned.rule

    def _split(self, tag: VirtualTag, split: Split) -> PlannedSplit:
        if split.file is None:
            return PlannedSplit(split)
        amounts: pl.DataFrame | None = self._read(tag, split.file, read_amounts, stays_with(split))
        return withheld_split(split) if amounts is None else PlannedSplit(split, amounts)

    def _read(
        self,
        tag: VirtualTag,
        file: Path,
        read: Callable[[Path, bytes], _Read],
        consequence: str = UNALLOCATED_UNTIL_THEN,
    ) -> _Read | None:
        path = self._resolve(file)
        try:
            if sentence := self._in_circle.get((tag.name, path)):
                raise ConfigurationError(sentence)
            if path not in self._contents:
                self._contents[path] = read_bytes(path)
            return read(path, self._contents[path])
        except ConfigurationError as error:
            self._problems.setdefault(
                (tag.name, path), FileProblem(f"virtual tag {tag.name}", path, str(error), consequence)
            )
            return None


def _ordered(tags: Sequence[PlannedTag]) -> tuple[PlannedTag, ...]:
    """Put each tag after those that its rules or files use. Raises `CycleError`."""
    by_name = {tag.name: tag for tag in tags}
    graph = {tag.name: sorted(tag.asked_for.intersection(by_name)) for tag in tags}
    return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())
