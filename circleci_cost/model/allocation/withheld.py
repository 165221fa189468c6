"""Rules that stand in for a file that cannot be used: no cost that it might decide goes to anybody else.

The file's reader reports its mistake; `planning` decides that a run goes on without the file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from circleci_cost.model.allocation.codeowners_rules import owned_by
from circleci_cost.model.allocation.definition import UNALLOCATED, CodeOwners, Split
from circleci_cost.model.allocation.plan import AMOUNTS_SCHEMA, PlannedSplit, PlannedTag, Rules, Stage, TagRule
from circleci_cost.model.usage.conditions import Conditions

UNALLOCATED_UNTIL_THEN = "Until then what rests on it is unallocated."


def withheld_mapping(path: Path) -> Rules:
    """Leave unallocated all cost that the rules before a mapping leave over: the file may name any of it."""
    return Rules((TagRule(_label(path), Conditions(), UNALLOCATED, is_withheld=True),))


def withheld_project(path: Path, entry: CodeOwners) -> TagRule:
    """Leave the project unallocated: only its file names the owner."""
    return owned_by(entry, UNALLOCATED, _label(path), is_withheld=True)


def withheld_split(split: Split) -> PlannedSplit:
    """Leave the cost with the value that would be split: any share would be a guess."""
    return PlannedSplit(split.model_copy(update={"fallback": "keep"}), pl.DataFrame(schema=AMOUNTS_SCHEMA))


def stays_with(split: Split) -> str:
    """A sentence that says what happens to a split whose file cannot be used."""
    return f"Until then the cost of {split.value!r} is not split."


def withhold_what_follows(tags: Sequence[PlannedTag]) -> Iterator[PlannedTag]:
    """The tags in order, where cost that is withheld in a tag is also withheld from rules that use that tag."""
    labels: dict[str, tuple[str, ...]] = {}
    for tag in tags:
        inherited = {name: labels[name] for name in sorted(tag.asked_for & labels.keys())}
        own = [rule.label for rule in tag.rules if rule.is_withheld]
        if withheld := dict.fromkeys([*own, *(label for names in inherited.values() for label in names)]):
            labels[tag.name] = tuple(withheld)
        yield replace(tag, stages=tuple(_guarded(tag.stages, dict(inherited)))) if inherited else tag


def _guarded(stages: Sequence[Stage], inherited: dict[str, tuple[str, ...]]) -> Iterator[Stage]:
    """The stages, with a guard before the first rule or lookup that uses a tag with withheld cost."""
    for stage in stages:
        if isinstance(stage, Rules):
            rules: list[TagRule] = []
            for rule in stage.rules:
                used = {*rule.where.dimensions, rule.value_of}
                rules += [*_guards(used, inherited), rule]
            yield Rules(tuple(rules))
        else:
            if guards := tuple(_guards(stage.asked_for, inherited)):
                yield Rules(guards)
            yield stage


def _guards(used: set[str | None] | set[str], inherited: dict[str, tuple[str, ...]]) -> Iterator[TagRule]:
    for name in [name for name in inherited if name in used]:
        labels = inherited.pop(name)
        yield TagRule(labels[0], Conditions(), UNALLOCATED, is_withheld=True, of_tag=name, of_rules=labels)


def _label(path: Path) -> str:
    return f"{path.name} cannot be used"
