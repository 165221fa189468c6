"""The base of all sections (unknown keys refused, values frozen) and the types of names and paths in them.

Errors are raised as `ValueError`; `mistakes` turns them into sentences with file, line and key.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from circleci_cost.text.plain import same_name
from circleci_cost.text.secrets import looks_secret, without_secrets
from circleci_cost.text.suggestions import did_you_mean

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# How variables are usually named; any other text may be a password pasted by mistake.
_USUAL_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
# Our keys consist of these characters; tokens have others too.
_PLAIN_KEY = re.compile(r"[A-Za-z_-]{1,40}")
_LABEL_LENGTH = 200
# The longest name and path that Linux allows.
_NAME_BYTES, _PATH_BYTES = 255, 4095


class Section(BaseModel):
    """A table of the configuration file. `renamed_keys` maps former names of keys to their current ones."""

    renamed_keys: ClassVar[Mapping[str, str]] = {}
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


def plain_name(value: str) -> str:
    """The name, unchanged. Raises `ValueError` for one that cannot be a partition key or a file name."""
    if not _NAME.fullmatch(value) or without_secrets(value) != value:
        raise ValueError("use lower-case letters, digits, - and _ (at most 63, the first one a letter or digit)")
    return value


def _label(value: str) -> str:
    value = same_name(value)
    if not value.strip() or value != value.strip():
        raise ValueError("write a name without spaces around it")
    if len(value) > _LABEL_LENGTH or not value.isprintable():
        raise ValueError(f"write at most {_LABEL_LENGTH} printable characters")
    if without_secrets(value) != value:
        raise ValueError("this looks like a token or a secret address; write a name")
    return value


def variable_name(value: str) -> str:
    """The name of an environment variable, unchanged. Raises `ValueError` for other text, which may be a secret."""
    if not _VARIABLE.fullmatch(value) or looks_secret(value):
        # The value may be a secret pasted by mistake: it must not be repeated in the message.
        raise ValueError("write the name of an environment variable, such as CIRCLECI_TOKEN, never the secret itself")
    return value


def _file_path(value: Path) -> Path:
    text = str(value)
    if "\0" in text or not text.isprintable():
        raise ValueError("a path has no control characters; write its name only")
    try:
        path = value.expanduser()
    except RuntimeError:
        raise ValueError("this machine has no user of that name after ~; write the whole path") from None
    parts = [len(os.fsencode(part)) for part in path.parts]
    if max(parts, default=0) > _NAME_BYTES or sum(parts) + len(parts) > _PATH_BYTES:
        raise ValueError("the path is longer than a file system allows; write a shorter one")
    return path


def shown_key(key: str) -> str:
    """A key for a message; `(hidden)` for one that may be a secret pasted in the wrong place."""
    return key if _PLAIN_KEY.fullmatch(key) and without_secrets(key) == key else "(hidden)"


def shown_variable(name: str, key: str) -> str:
    """The words for a variable in a message: its name, or the key that names it where the name may be a secret."""
    return name if _USUAL_VARIABLE.fullmatch(name) else f"that {key} names"


def unknown_name(given: str, known: Sequence[str], what: str) -> str:
    """A sentence about an unknown name. The name is repeated only where it resembles a known one, so is no secret."""
    if hint := did_you_mean(given, known):
        return f"{given!r} is {what}; {hint}"
    choices = f"; there are: {', '.join(known)}" if known else ""
    return f"a name here is {what}{choices}"


# A file or folder of this machine, with ~ resolved.
FilePath: TypeAlias = Annotated[Path, AfterValidator(_file_path)]
# A name that is also a key, a column or a file name.
Name: TypeAlias = Annotated[str, AfterValidator(plain_name)]
# A name for people, such as a team's.
Label: TypeAlias = Annotated[str, AfterValidator(_label)]
# The name of an environment variable that holds a secret.
VariableName: TypeAlias = Annotated[str, AfterValidator(variable_name)]


def mistake_at(location: Sequence[str | int], message: str) -> PydanticCustomError:
    """The error for a mistake that shows only together with another section, such as an unknown name."""
    # Names may hold braces, which pydantic's message template would take for fields.
    return PydanticCustomError("mistake", "{message}", {"message": message, "location": tuple(location)})


def mistake_within(steps: Sequence[str | int], message: str) -> PydanticCustomError:
    """The error for a mistake in an entry of the section being validated, such as one of its prices."""
    return PydanticCustomError("mistake", "{message}", {"message": message, "within": tuple(steps)})


def refuse_repeated(sections: Sequence[str | int], what: str, names: Sequence[str]) -> None:
    """Refuse two sections of the same name; `sections` is the location of the array of tables with these `names`."""
    for index, name in enumerate(names):
        if name in names[:index]:
            raise mistake_at(
                (*sections, index, "name"), f"the {what} {name!r} is defined twice; give each its own name"
            )
