"""Finds what a plan asks for and no usage has: values of conditions and mapping files, sources and targets of splits.

Each finding is a sentence with the nearest known names; the value may still come later, so none is an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from circleci_cost.model.allocation.plan import Lookup, PlannedTag
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.conditions import Operator
from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.text.suggestions import with_suggestion
from circleci_cost.text.units import counted

# A tag with the mapping file of another organization would fill the log.
_MOST = 20


@dataclass(frozen=True)
class _Unseen:
    """A value that no usage has, and the known values; the nearest of these are looked for when it is reported."""

    sentence: str
    value: str
    seen: frozenset[str]

    def __str__(self) -> str:
        return with_suggestion(self.sentence, self.value, sorted(self.seen))


def never_seen(
    connection: duckdb.DuckDBPyConnection, tag: PlannedTag, columns: Mapping[str, str], tags: Iterable[str]
) -> list[str]:
    """The sentences about one tag; past the first ones only their number.

    In: the combinations and decisions of the tag, the columns of the combinations, and the names of the tags.
    """
    comparisons = [*_of_rules(tag), *_of_lookups(tag)]
    names = set(tags)
    seen = {name: _seen(connection, name, columns, names) for name in {name for name, _, _ in comparisons}}
    unseen = [
        _Unseen(f"{rule} asks for the {dimension_name(name)} {value!r}, which no usage has", value, seen[name])
        for name, value, rule in comparisons
        if value not in seen[name]
    ]
    unseen += [*_of_codeowners(connection, tag), *_of_splits(connection, tag)]
    sentences = [f"virtual tag {tag.name}: {finding}" for finding in unseen[:_MOST]]
    if len(unseen) > _MOST:
        more = len(unseen) - _MOST
        were = "was" if more == 1 else "were"
        sentences.append(f"virtual tag {tag.name}: {counted(more, 'more value')} like these {were} never seen")
    return sentences


def _of_rules(tag: PlannedTag) -> Iterator[tuple[str, str, str]]:
    """Dimension or tag, value, and the first rule that compares the two."""
    first_rules = {
        (condition.dimension, value): repr(rule.label)
        for rule in reversed(tag.rules)
        if rule.owned_project is None
        for condition in rule.where
        if condition.operator is Operator.IN
        for value in condition.values
    }
    return ((name, value, rule) for (name, value), rule in reversed(first_rules.items()))


def _of_lookups(tag: PlannedTag) -> Iterator[tuple[str, str, str]]:
    for stage in tag.stages:
        if isinstance(stage, Lookup):
            for name in stage.dimensions:
                lines = stage.rows.drop_nulls(name).unique(name, keep="first", maintain_order=True)
                yield from ((name, value, rule) for value, rule in lines.select(name, "rule").iter_rows())


def _of_codeowners(connection: duckdb.DuckDBPyConnection, tag: PlannedTag) -> Iterator[_Unseen]:
    owned = [rule for rule in tag.rules if rule.owned_project is not None]
    if owned:
        names, ids = (_seen(connection, name, {}, set()) for name in ("project", "project_id"))
        for rule in owned:
            project = str(rule.owned_project)
            if project not in names | ids:
                yield _Unseen(f"CODEOWNERS of {project!r}, a project that no usage has", project, names)


def _of_splits(connection: duckdb.DuckDBPyConnection, tag: PlannedTag) -> Iterator[_Unseen]:
    rows = connection.execute("SELECT DISTINCT value FROM allocation_decisions").fetchall()
    own = frozenset(value for (value,) in rows)
    for planned in tag.splits:
        label, source = repr(planned.split.label), planned.split.value
        if source not in own:
            yield _Unseen(f"split {label}: no cost has the value {source!r}", source, own)
        keys = (
            set(planned.targets)
            if planned.amounts is None or planned.targets
            else set(planned.amounts.get_column("key"))
        )
        for target in sorted(keys - own):
            yield _Unseen(f"split {label}: {target!r} gets a share, and no cost has that value", target, own)


def _seen(
    connection: duckdb.DuckDBPyConnection, dimension: str, columns: Mapping[str, str], tags: set[str]
) -> frozenset[str]:
    if dimension == CHARGE_TYPE:
        return frozenset(CHARGE_TYPES)
    if dimension in tags:
        query = f"SELECT DISTINCT {columns[dimension]} FROM allocation_combinations AS combinations"  # noqa: S608
    else:
        query = f"SELECT value FROM allocation_values_{dimension}"  # noqa: S608 - a dimension's name
    return frozenset(value for (value,) in connection.execute(query).fetchall())
