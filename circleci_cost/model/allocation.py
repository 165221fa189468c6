"""Virtual tags made ready: reads every file that they name and puts their rules in order.

Evaluating the plan is the work of `warehouse.allocation`; a mistake in a file is found here, before anything is
computed.
"""

import hashlib
from collections.abc import Callable, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation_codeowners import read_owner, without_owner
from circleci_cost.model.allocation_files import read_bytes
from circleci_cost.model.allocation_mapping import as_rule, read_mapping
from circleci_cost.model.allocation_plan import Plan, PlannedSplit, PlannedTag, Rules, Stage
from circleci_cost.model.allocation_telemetry import read_amounts
from circleci_cost.sections.virtual_tags import VirtualTag


def prepare(tags: Sequence[VirtualTag], resolve: Callable[[Path], Path]) -> Plan:
    """Read the files of the tags; `resolve` makes their paths absolute (`Settings.resolve`).

    Inside a tag the order is rules, mappings, CODEOWNERS, default. Raises `ConfigurationError` for a file that
    cannot be read, names something unknown, or makes tags use each other in a circle.
    """
    files = _Files(resolve)
    warnings: list[str] = []
    planned = [_planned(tag, [each.name for each in tags if each is not tag], files, warnings) for tag in tags]
    digest = hashlib.sha256(repr(tuple(tags)).encode())
    for path, content in sorted(files.contents.items()):
        digest.update(hashlib.sha256(content).digest() + path.name.encode())
    return Plan(_ordered(planned), digest.hexdigest()[:16], tuple(warnings))


class _Files:
    """Reads each file once and remembers what it held."""

    def __init__(self, resolve: Callable[[Path], Path]) -> None:
        self._resolve = resolve
        self.contents: dict[Path, bytes] = {}

    def __call__(self, file: Path) -> tuple[Path, bytes]:
        path = self._resolve(file)
        if path not in self.contents:
            self.contents[path] = read_bytes(path)
        return path, self.contents[path]


def _planned(tag: VirtualTag, others: Sequence[str], files: _Files, warnings: list[str]) -> PlannedTag:
    written = tuple(as_rule(rule, f"rule {number}") for number, rule in enumerate(tag.rules, start=1))
    stages: list[Stage] = [Rules(written)] if written else []
    stages += [read_mapping(*files(mapping.file), others) for mapping in tag.mappings]
    owned = []
    for entry in tag.codeowners:
        path, content = files(entry.file)
        rule = read_owner(path, content, entry)
        if rule is None:
            warnings.append(f"virtual tag {tag.name}: {without_owner(path, entry)}")
        else:
            owned.append(rule)
    stages += [Rules(tuple(owned))] if owned else []
    splits = tuple(PlannedSplit(each, read_amounts(*files(each.file)) if each.file else None) for each in tag.splits)
    return PlannedTag(tag.name, tag.default, tag.min_coverage, tuple(stages), splits)


def _ordered(tags: Sequence[PlannedTag]) -> tuple[PlannedTag, ...]:
    """Each tag after those that its rules or files ask for."""
    by_name = {tag.name: tag for tag in tags}
    graph = {tag.name: sorted(tag.asked_for.intersection(by_name)) for tag in tags}
    try:
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise ConfigurationError(
            f"Virtual tags use each other in a circle through their mapping files, {circle}; take one of these columns "
            "or conditions out."
        ) from None
