"""Reads the values of a tag from a mapping file: a CSV table of dimensions and values, or a TOML file of rules.

A CSV file becomes a lookup, which may have many thousands of rows; a TOML file becomes rules. Applying them is the
warehouse's job.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.definition import Rule
from circleci_cost.model.allocation.plan import Lookup, Rules, Stage, TagRule
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS
from circleci_cost.named_files.csv_tables import LINE, day_of, parsed, read_csv, refuse_empty
from circleci_cost.sections.key_lines import line_of
from circleci_cost.sections.mistakes import sentences
from circleci_cost.sections.section import Section
from circleci_cost.sections.toml_file import decoded, parse_toml, too_deep
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import suggestion_or_all

_OTHER_COLUMNS = ("value", "from", "until")


class _RulesFile(Section):
    rules: tuple[Rule, ...] = ()


def as_rule(rule: Rule, label: str) -> TagRule:
    """A rule of the configuration, labelled by its own name or else by `label`."""
    return TagRule(rule.name or label, rule.where, rule.value, rule.value_of, rule.from_, rule.until)


def read_mapping(path: Path, content: bytes, tags: Sequence[str]) -> Stage:
    """The rules of one mapping file. `tags` are the other tags that it may use. Raises `ConfigurationError`."""
    known = [*CONDITION_DIMENSIONS, *tags]
    if path.suffix.lower() == ".toml":
        return _read_toml(path, decoded(path, content, "write its rules as a CSV file"), known)
    return _read_csv(path, content, known)


def _read_csv(path: Path, content: bytes, known: Sequence[str]) -> Lookup:
    rows = read_csv(path, content, [*known, *_OTHER_COLUMNS], ["value"])
    refuse_empty(path, rows, "value")
    for name in ("from", "until"):
        if name in rows.columns:
            rows = parsed(path, rows, name, day_of(name), "write a day as YYYY-MM-DD, such as 2026-01-31")
        else:
            rows = rows.with_columns(pl.lit(None, pl.Date()).alias(name))
    reversed_days = rows.filter(pl.col("until") < pl.col("from"))
    if not reversed_days.is_empty():
        line = reversed_days.item(0, LINE)
        raise ConfigurationError(f"{path}, line {line}: until lies before from; exchange them.")
    dimensions = tuple(name for name in rows.columns if name in known)
    label = pl.format("{} line {}", pl.lit(path.name), pl.col(LINE)).alias("rule")
    return Lookup(rows.rename({"from": "first", "until": "last"}).with_columns(label), dimensions)


def _read_toml(path: Path, text: str, known: Sequence[str]) -> Rules:
    content = parse_toml(path, text)
    try:
        rules = _RulesFile.model_validate(content).rules
    except ValidationError as error:
        raise ConfigurationError(sentences(path, text, content, error, _RulesFile)) from None
    except RecursionError:
        raise too_deep(path) from None
    if not rules:
        raise ConfigurationError(f"{path} has no rules; write them as [[rules]] with value and where.")
    for index, rule in enumerate(rules):
        used = [*rule.where.dimensions, *([rule.value_of] if rule.value_of else [])]
        unknown = [name for name in used if name not in known]
        if unknown:
            hint = suggestion_or_all(unknown[0], known)
            where = f"{path}, line {line_of(text, ('rules', index, 'where'))}"
            raise ConfigurationError(f"{where}: {quoted(unknown[0])} is neither a dimension nor a virtual tag; {hint}")
    return Rules(tuple(as_rule(rule, f"{path.name} rule {number}") for number, rule in enumerate(rules, start=1)))
