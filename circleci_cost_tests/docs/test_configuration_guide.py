"""`configuration.md` names every key of the settings, with the default that it has, and its examples are valid.

What the keys mean is for people to read; that a name or a default is not out of date is checked here.
"""

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import circleci_cost
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.model.budgets.periods import PERIODS

_GUIDE = Path(circleci_cost.__file__).parent / "docs" / "configuration.md"
_SECTION = re.compile(r'^## `\[\[?([a-z_.]+)\]\]?`(?: with `type = "([a-z]+)"`)?$')
_ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]+) \| .+ \|$")
_REQUIRED, _ALL, _NONE = "required", "all", ""


class Key(NamedTuple):
    """Where a key stands: its section, the type of the channel that alone has it, and its name."""

    section: str
    channel: str
    name: str


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a key holds; several where a channel's type decides."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return _models(get_args(annotation)[0])
    if get_origin(annotation) in {tuple, Union, UnionType}:
        return [model for each in get_args(annotation) for model in _models(each)]
    return []


def _keys(model: type[BaseModel], section: str = "", channel: str = "") -> Iterator[tuple[Key, FieldInfo]]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = f"{section}.{key}".strip(".")
        below = _models(field.annotation)
        if field.exclude:
            continue
        if not below:
            yield Key(section, channel, key), field
        elif len(below) == 1:
            yield from _keys(below[0], inner)
        else:
            yield from _of_types(below, inner)


def _of_types(models: list[type[BaseModel]], section: str) -> Iterator[tuple[Key, FieldInfo]]:
    common = set.intersection(*(set(model.model_fields) for model in models))
    for model in models:
        (channel,) = get_args(model.model_fields["type"].annotation)
        for key, field in _keys(model, section, channel):
            yield (key._replace(channel="") if key.name in common else key), field


def _rows() -> Iterator[tuple[Key, str, str]]:
    """Each key of the guide with its default (as TOML, or `required`, `all`, or nothing) and its whole row."""
    section = channel = ""
    for line in _GUIDE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = _SECTION.match(line)
            section, channel = (heading[1], heading[2] or "") if heading else (line, "")
            section = "" if section == "## Top level" else section
        elif row := _ROW.match(line):
            kind, _, default = row[2].partition(", ")
            assert re.fullmatch(r"[A-Za-z ]+", kind), line
            yield Key(section, channel, row[1]), default.strip("`"), line


def _documented() -> list[tuple[Key, str]]:
    return [(key, default) for key, default, _ in _rows()]


def _words(annotation: Any) -> set[str]:
    """The words that a key may hold, where it may hold no others."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    return {word for inner in get_args(annotation) for word in _words(inner)}


def _plain(value: object) -> object:
    """A value as TOML has it, whether it was read from the guide or is a default."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    return str(value) if isinstance(value, Path) else value


def _is_as_documented(default: str, field: FieldInfo) -> bool:
    if field.is_required() or default == _REQUIRED:
        return field.is_required() and default == _REQUIRED
    value = field.get_default(call_default_factory=True, validated_data={})
    if default == _NONE:
        # Nothing, or an empty list, table or condition.
        return value is None or (not isinstance(value, str | int | float | Decimal) and value == type(value)())
    if default == _ALL:
        (choices, _) = get_args(field.annotation)
        return bool(value == get_args(choices))
    return _plain(tomllib.loads(f"value = {default}", parse_float=Decimal)["value"]) == _plain(value)


def test_every_key_of_the_settings_is_documented_and_no_other() -> None:
    documented = [key for key, _ in _documented()]
    assert len(set(documented)) == len(documented)
    assert set(documented) == {key for key, _ in _keys(Settings)}


def test_every_documented_default_is_the_one_of_the_settings() -> None:
    fields = dict(_keys(Settings))
    differing = {key: default for key, default in _documented() if not _is_as_documented(default, fields[key])}
    assert differing == {}


def test_the_row_of_a_key_names_every_word_that_it_may_hold() -> None:
    fields = dict(_keys(Settings))
    left_out = {
        (key, word)
        for key, _, row in _rows()
        for word in _words(fields[key].annotation)
        # A channel's type stands in the heading of its section, charge types where the row links to.
        if not re.search(rf'["`]{word}["`]', row) and word != key.channel and ".md#" not in row
    }
    assert _words(fields[Key("budgets", "", "period")].annotation) == set(PERIODS)
    assert left_out == set()


def test_the_examples_together_are_a_valid_configuration_that_uses_every_key(tmp_path: Path) -> None:
    text = "\n".join(re.findall(r"^```toml\n(.*?)^```$", _GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE))
    file = tmp_path / "circleci_cost.toml"
    file.write_text(text)
    settings = read_settings(file)
    assert [center.name for center in settings.cost_centers] == ["acme"]
    unused = {key for key, _ in _keys(Settings) if not re.search(rf"\b{key.name} = ", text)}
    # An example cannot have both; `confirm` is for prices that examples should not have.
    assert unused == {Key("cost_centers.pricing", "", "confirm")}


@pytest.mark.parametrize(
    ("default", "name"), [("5", "restatement_days"), ("required", "data_dir"), ("", "daily_at"), ('"data"', "data_dir")]
)
def test_a_default_that_is_out_of_date_is_seen(default: str, name: str) -> None:
    assert _is_as_documented(default, Settings.model_fields[name]) is (default == '"data"')
