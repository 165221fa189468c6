"""`[engine]`: what adds up and prices job runs: DuckDB in this process, or a Spark Connect server that exists already.

The conversation with a server is `spark_connect`'s.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.sections.section import Section, VariableName, shown_key
from circleci_cost.text.secrets import without_secrets
from circleci_cost.text.suggestions import suggestion_or_all

_HOW = "write the address of a Spark Connect server, such as sc://spark.example.com:15002"
_URL = re.compile(
    r"(?P<server>sc://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?)"
    r"(?:/(?P<parameters>(?:;[^;\s]*)*))?"
)
_HIGHEST_PORT = 65535
# What else a client may be told is a secret, or changes what is asked.
_PARAMETERS = ("use_ssl", "user_id", "x-databricks-cluster-id")
# A path, or an address of a store such as s3a://bucket/lake or dbfs:/Volumes/finops/lake.
_FOLDER = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?/.*")
_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/@]*:[^/@]*@")


def _address(value: str) -> str:
    parts = _URL.fullmatch(value)
    if "@" in value:
        raise ValueError("there is a user name or password in it; put the token into a variable and write token_env")
    if parts is None or not 0 < int(parts["port"] or 1) <= _HIGHEST_PORT:
        raise ValueError(_HOW)
    for parameter in filter(None, (parts["parameters"] or "").split(";")):
        name, separator, text = parameter.partition("=")
        if name == "token":
            raise ValueError("a token in it would be read by others; put it into a variable and write token_env")
        if name not in _PARAMETERS:
            raise ValueError(f"{shown_key(name)!r} is no parameter of it; {suggestion_or_all(name, _PARAMETERS)}")
        if not separator or not text or without_secrets(text) != text:
            raise ValueError(f"the parameter {name} has no value; write {name}=value")
    return value


def _folder(value: str) -> str:
    if not _FOLDER.fullmatch(value) or not value.isprintable():
        raise ValueError("write a whole path such as /mnt/circleci_cost, or an address such as s3a://bucket/lake")
    if _PASSWORD.match(value) or "?" in value or without_secrets(value) != value:
        raise ValueError("there is a secret in it; give the engine its own access to the store")
    return value.rstrip("/") or "/"


class Engine(Section):
    """`[engine]`: the engine by name; for a server its address, its token's variable, and where it sees `data_dir`."""

    name: Literal["duckdb", "spark-connect"] = "duckdb"
    url: Annotated[str, AfterValidator(_address)] | None = None
    token_env: VariableName | None = None
    data_dir: Annotated[str, AfterValidator(_folder)] | None = None
    timeout_minutes: Annotated[int, Field(ge=1, le=1440)] = 60

    @property
    def server(self) -> str:
        """The address without its parameters, for messages."""
        parts = _URL.fullmatch(self.url or "")
        return parts["server"] if parts else ""

    @property
    def is_server(self) -> bool:
        """Whether another program prices."""
        return self.name == "spark-connect"

    @model_validator(mode="after")
    def _check(self) -> Self:
        written: Mapping[str, object] = {"url": self.url, "token_env": self.token_env, "data_dir": self.data_dir}
        if self.is_server and self.url is None:
            raise ValueError(f"url is missing; {_HOW}")
        if not self.is_server and (keys := [key for key, value in written.items() if value is not None]):
            raise ValueError(f'{keys[0]} is of no use to DuckDB; write name = "spark-connect", or leave it out')
        return self
