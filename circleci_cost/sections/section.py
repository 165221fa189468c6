"""What all sections share: unknown keys are refused, values never change, and the types of names.

Errors are raised as `ValueError`; `settings` turns them into sentences with file, line and key.
"""

import re
from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# How CircleCI's, Slack's and webhooks' secrets begin; a long name in mixed case with digits is none either.
_SECRET = re.compile(r"(CCIPAT|CCIPRJ|whsec|xox[a-z]|glpat|ghp)_.*|(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{24,}|.{100,}")
_LABEL_LENGTH = 200


class Section(BaseModel):
    """A table of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("use lower-case letters, digits, - and _ (at most 63, the first one a letter or digit)")
    return value


def _label(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise ValueError("write a name without spaces around it")
    if len(value) > _LABEL_LENGTH or not value.isprintable():
        raise ValueError(f"write at most {_LABEL_LENGTH} printable characters")
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value) or _SECRET.fullmatch(value):
        # The value may be a secret pasted by mistake: it must not be repeated in the message.
        raise ValueError("write the name of an environment variable, such as CIRCLECI_TOKEN, never the secret itself")
    return value


# A name that is also a key, a column or a file name.
Name: TypeAlias = Annotated[str, AfterValidator(_name)]
# A name for people, such as a team's.
Label: TypeAlias = Annotated[str, AfterValidator(_label)]
# The name of an environment variable that holds a secret.
VariableName: TypeAlias = Annotated[str, AfterValidator(_variable)]


def mistake_at(location: Sequence[str | int], message: str) -> PydanticCustomError:
    """The error to raise for a mistake that one section makes and only another one shows, such as an unknown name."""
    # Names may hold braces, which the message's own template would take for fields.
    return PydanticCustomError("mistake", "{message}", {"message": message, "location": tuple(location)})
