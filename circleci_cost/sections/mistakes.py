"""Mistakes in a configuration as sentences: file, line, key, and what to do; a value only where it cannot be a secret.

Users paste a token where the name of its variable belongs, or a webhook's address into any key. So text is never
repeated, except a few letters or digits in place of a date, a number or one of a few words.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from circleci_cost.sections.key_lines import KeyLines
from circleci_cost.sections.section import Section, shown_key
from circleci_cost.text.suggestions import did_you_mean
from circleci_cost.text.units import counted

# In place of pydantic's messages that do not say what to write.
_HOW = {
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "write a day such as 2026-01-31"),
    **dict.fromkeys(("decimal_parsing", "decimal_type"), "write a number such as 1200.50, without quotes"),
    **dict.fromkeys(("tuple_type", "list_type"), "write a list, its values between square brackets"),
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type"),
        "write keys with values: a section, or { key = value }",
    ),
    "bool_parsing": "write true or false",
    "string_type": "write text in quotes",
}
# For values of these types, a text that matches `_SLIP` is a typing error and no secret.
_HARMLESS = ("date_", "decimal_", "int_", "float_", "bool_", "literal_error")
_SLIP = re.compile(r"[0-9.,:/+-]{1,24}|[A-Za-z]{1,12}")
_LONGEST_SHOWN = 24
_MOST_MISTAKES = 20


def sentences(path: Path, text: str, content: Mapping[str, Any], error: ValidationError, model: type[Section]) -> str:
    """One line for each mistake in a file whose content `model` describes, at most twenty."""
    mistakes = error.errors(include_url=False)
    found = KeyLines(text)
    lines = [_sentence(path, found, content, mistake, model) for mistake in mistakes[:_MOST_MISTAKES]]
    more = len(mistakes) - len(lines)
    return "\n".join([*lines, f"{path}: {counted(more, 'mistake')} more."] if more else lines)


def _sentence(path: Path, lines: KeyLines, content: Mapping[str, Any], error: Any, model: type[Section]) -> str:
    kind = error["type"]
    context = error.get("ctx", {})
    location = list(context.get("location", ())) or _written(content, error["loc"], kind)
    location += context.get("within", ())
    line = lines.line_of(location)
    where = f"{path}, line {line}" if line else f"{path}"
    if kind == "extra_forbidden":
        return f"{where}: {_unknown_key(location, _section_at(model, error['loc']))}"
    key = _dotted(location)
    if kind == "missing":
        return f"{where}: {key} is missing; add it."
    message = _HOW.get(kind) or str(error["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    message = message if message.endswith("?") else f"{message}."
    shown = _shown_value(content, location, kind)
    return f"{where}: {key}{shown}: {message}" if key else f"{where}: {message}"


def _dotted(location: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{shown_key(step)}" for step in location).lstrip(".")


def _written(content: Any, steps: Sequence[str | int], kind: str) -> list[str | int]:
    """The location as it is written in the file, without pydantic's own steps such as the type of a channel."""
    location: list[str | int] = []
    for at, step in enumerate(steps):
        is_missing_key = kind == "missing" and at == len(steps) - 1
        if isinstance(content, Mapping) and step not in content and not is_missing_key:
            continue
        location.append(step)
        content = content[step] if _has(content, step) else None
    return [step for step in location if step != "function-after"]


def _has(content: Any, step: str | int) -> bool:
    if isinstance(content, list):
        return isinstance(step, int) and step < len(content)
    return isinstance(content, Mapping) and step in content


def _shown_value(content: Any, location: Sequence[str | int], kind: str) -> str:
    for step in location:
        if not _has(content, step):
            return ""
        content = content[step]
    shown = ""
    if isinstance(content, bool):
        shown = str(content).lower()
    elif isinstance(content, date | time | Decimal) or (isinstance(content, int) and abs(content) < 10**_LONGEST_SHOWN):
        shown = str(content)
    elif isinstance(content, str) and kind.startswith(_HARMLESS) and _SLIP.fullmatch(content):
        shown = content
    return f" = {shown}" if location and 0 < len(shown) <= _LONGEST_SHOWN else ""


def _unknown_key(location: Sequence[str | int], model: type[Section]) -> str:
    given = str(location[-1])
    known = [field.alias or name for name, field in model.model_fields.items() if not field.exclude]
    renamed = model.renamed_keys.get(given)
    hint = f"it is called {renamed!r} now." if renamed else did_you_mean(given, known)
    section = _dotted(location[:-1])
    if hint:
        key = f"{section}.{given}" if section else given
        return f"unknown key {key!r}; {hint}"
    return f"unknown key {_dotted(location)!r}; known keys here: {', '.join(known)}."


def _section_at(model: type[Section], steps: Sequence[str | int]) -> type[Section]:
    """The section that the steps lead to; for a channel, one of pydantic's steps is its type."""
    for step in steps[:-1]:
        if not isinstance(step, str):
            continue
        field = next((field for name, field in model.model_fields.items() if step in (name, field.alias)), None)
        models = _models(field.annotation) if field else []
        if len(models) == 1 or (models and not field):
            model = models[0]
        elif models:
            model = next((choice for choice in models if set(_types_of(choice)) & set(steps)), models[0])
    return model


def _models(annotation: Any) -> list[type[Section]]:
    """The sections within a type such as `tuple[Budget, ...]`."""
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, Section):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _types_of(model: type[Section]) -> tuple[str, ...]:
    """The values of the key `type` that select this model."""
    return get_args(model.model_fields["type"].annotation) if "type" in model.model_fields else ()
