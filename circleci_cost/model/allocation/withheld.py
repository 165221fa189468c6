"""What stands in for a file that cannot be used: nothing that it could have decided goes to anybody else.

What the file's mistake is, its reader says; that a run goes on without it, `planning` decides.
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
    """All that the rules before a mapping left over is unallocated: any of it may be in the file."""
    return Rules((TagRule(_label(path), Conditions(), UNALLOCATED, is_withheld=True),))


def withheld_project(path: Path, entry: CodeOwners) -> TagRule:
    """The project is unallocated: only its file knows the owner."""
    return owned_by(entry, UNALLOCATED, _label(path), is_withheld=True)


def withheld_split(split: Split) -> PlannedSplit:
    """The cost stays with the value that would be split: any other share would be a guess."""
    return PlannedSplit(split.model_copy(update={"fallback": "keep"}), pl.DataFrame(schema=AMOUNTS_SCHEMA))


def stays_with(split: Split) -> str:
    """What becomes of a split whose file cannot be used."""
    return f"Until then the cost of {split.value!r} is not split."


def withhold_what_follows(tags: Sequence[PlannedTag]) -> Iterator[PlannedTag]:
    """The tags, in their order, with rules that ask for another tag kept from what was withheld there."""
    labels: dict[str, tuple[str, ...]] = {}
    for tag in tags:
        inherited = {name: labels[name] for name in sorted(tag.asked_for & labels.keys())}
        own = [rule.label for rule in tag.rules if rule.is_withheld]
        if found := dict.fromkeys([*own, *(label for each in inherited.values() for label in each)]):
            labels[tag.name] = tuple(found)
        yield replace(tag, stages=tuple(_guarded(tag.stages, dict(inherited)))) if inherited else tag


def _guarded(stages: Sequence[Stage], inherited: dict[str, tuple[str, ...]]) -> Iterator[Stage]:
    """Each stage, after a rule for every tag that it is the first to ask for."""
    for stage in stages:
        if isinstance(stage, Rules):
            rules: list[TagRule] = []
            for rule in stage.rules:
                asked = {*rule.where.dimensions, rule.value_of}
                rules += [*_guards(asked, inherited), rule]
            yield Rules(tuple(rules))
        else:
            if guards := tuple(_guards(stage.asked_for, inherited)):
                yield Rules(guards)
            yield stage


def _guards(asked: set[str | None] | set[str], inherited: dict[str, tuple[str, ...]]) -> Iterator[TagRule]:
    for name in [name for name in inherited if name in asked]:
        labels = inherited.pop(name)
        yield TagRule(labels[0], Conditions(), UNALLOCATED, is_withheld=True, of_tag=name, of_rules=labels)


def _label(path: Path) -> str:
    return f"{path.name} cannot be used"
