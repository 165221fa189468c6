"""What a plan asks for and no usage has: values of conditions and of mapping files, sources and targets of splits.

Each is a sentence with the nearest names there are; a value may well come later, so none is an error.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb

from circleci_cost.model.allocation_plan import Lookup, PlannedTag
from circleci_cost.model.conditions import Operator
from circleci_cost.model.report import CHARGE_TYPE
from circleci_cost.model.schema import CHARGE_TYPES

# A tag whose mapping file is of another organization would fill the log.
_MOST = 20


def never_seen(
    connection: duckdb.DuckDBPyConnection, tag: PlannedTag, columns: Mapping[str, str], tags: Iterable[str]
) -> list[str]:
    """The sentences about one tag, at most some of each kind.

    In: the combinations and decisions of the tag, the columns of the combinations, and the names of the tags.
    """
    sentences = [*_conditions(connection, tag, columns, set(tags)), *_lookups(connection, tag, columns, set(tags))]
    own = {value for (value,) in connection.execute("SELECT DISTINCT value FROM allocation_decisions").fetchall()}
    for each in tag.splits:
        if each.split.value not in own:
            sentences.append(
                f"split {each.split.label!r}: no cost has the value {each.split.value!r}{_near(each.split.value, own)}"
            )
        keys = set(each.targets) if each.amounts is None or each.targets else set(each.amounts.get_column("key"))
        sentences += [
            f"split {each.split.label!r}: {target!r} gets a share, and no cost has that value{_near(target, own)}"
            for target in sorted(keys - own)
        ]
    shown = [f"virtual tag {tag.name}: {sentence}" for sentence in sentences[:_MOST]]
    if len(sentences) > _MOST:
        shown.append(f"virtual tag {tag.name}: {len(sentences) - _MOST} more values like these were never seen")
    return shown


def _conditions(
    connection: duckdb.DuckDBPyConnection, tag: PlannedTag, columns: Mapping[str, str], tags: set[str]
) -> Iterator[str]:
    asked: dict[str, dict[str, str]] = {}
    for rule in tag.rules:
        if rule.label.startswith("CODEOWNERS of "):
            continue
        for condition in rule.where:
            if condition.operator is Operator.IN:
                for value in condition.values:
                    asked.setdefault(condition.dimension, {}).setdefault(value, rule.label)
    for dimension, labels in asked.items():
        seen = _seen(connection, dimension, columns, tags)
        for value in _missing(labels, seen):
            asked_for = f"{_words(dimension)} {value!r}"
            yield f"{labels[value]!r} asks for the {asked_for}, which no usage has{_near(value, seen)}"


def _lookups(
    connection: duckdb.DuckDBPyConnection, tag: PlannedTag, columns: Mapping[str, str], tags: set[str]
) -> Iterator[str]:
    for stage in tag.stages:
        if not isinstance(stage, Lookup):
            continue
        for dimension in stage.dimensions:
            lines = stage.rows.drop_nulls(dimension).unique(dimension, keep="first", maintain_order=True)
            rules = dict(lines.select(dimension, "rule").iter_rows())
            seen = _seen(connection, dimension, columns, tags)
            for value in _missing(rules, seen):
                yield f"{rules[value]} names the {_words(dimension)} {value!r}, which no usage has{_near(value, seen)}"


def _missing(asked: Iterable[str], seen: set[str]) -> Iterator[str]:
    return (value for value in asked if value not in seen)


def _seen(
    connection: duckdb.DuckDBPyConnection, dimension: str, columns: Mapping[str, str], tags: set[str]
) -> set[str]:
    if dimension == CHARGE_TYPE:
        return set(CHARGE_TYPES)
    if dimension in tags:
        query = f"SELECT DISTINCT {columns[dimension]} FROM allocation_combinations AS combinations"  # noqa: S608
    else:
        query = f"SELECT value FROM allocation_values_{dimension}"  # noqa: S608 - a dimension's name
    return {value for (value,) in connection.execute(query).fetchall()}


def _near(value: str, seen: Iterable[str]) -> str:
    found: Sequence[str] = difflib.get_close_matches(value, list(seen), 3, 0.6)
    return f"; did you mean {' or '.join(repr(each) for each in found)}?" if found else ""


def _words(name: str) -> str:
    return name.replace("_", " ")
