"""A Spark Connect server (Sail, Apache Spark, Databricks) that answers statements over Parquet files, exactly or not.

What is asked, and how the answer is checked against the files, is the business of `warehouse.costs`.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import reduce
from types import TracebackType
from typing import TYPE_CHECKING, Any

from circleci_cost.engines.definition import Engine
from circleci_cost.engines.failures import EngineError, engine_failure, inexact
from circleci_cost.errors import AuthorizationError
from circleci_cost.sections.section import shown_variable

if TYPE_CHECKING:
    import pyarrow as pa

    from circleci_cost.engines.channel import Clocked

# A server that starts anew is back after some seconds; Dagster tries again later.
_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class ParquetFiles:
    """Files with the same columns: their paths as this process has them, and the columns with Spark's types."""

    paths: tuple[str, ...]
    columns: Mapping[str, str]


class SparkConnect(AbstractContextManager["SparkConnect"]):
    """A server by the configuration's `[engine]`; it is first asked, and proved, when there is something to answer."""

    def __init__(
        self,
        section: Engine,
        root: str,
        environment: Mapping[str, str] = os.environ,
        *,
        seconds: float | None = None,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        """Remember the server; `root` is the data directory as this process has it.

        A statement may take so many `seconds`; a lost connection has `patience` seconds to come back.
        """
        self.section = section
        self._root = root
        self._environment = environment
        self._seconds = section.timeout_minutes * 60 if seconds is None else seconds
        self._patience = patience
        self._opened: Clocked | None = None

    def answer(
        self,
        statement: str,
        files: Sequence[ParquetFiles],
        columns: Mapping[str, str],
        tables: "Mapping[str, pa.Table]",
    ) -> "pa.Table":
        """The rows of a statement over `job_runs`, which are the files' rows with `columns`, and over small tables.

        A column that files do not have is NULL in their rows. Raises `EngineError`, `AuthorizationError` and, where
        the server may come back, `TransientSourceError`.
        """
        return self._asked(self.proved(), statement, tables, {"job_runs": (files, columns)})

    def proved(self) -> "Clocked":
        """The session with the server, which has shown that it counts exactly. Raises as `answer` does."""
        if self._opened is None:
            # Its known values are Arrow's, which has pandas imported: half a second that only a server is worth.
            from circleci_cost.engines import arithmetic

            opened = _clocked()(self.section.url or "", self._token(), self._seconds, self._patience)
            # From here on there is something to close.
            self._opened = opened
            answer = self._asked(opened, arithmetic.STATEMENT, {"known": arithmetic.KNOWN}, {})
            if wrong := arithmetic.inexact(answer):
                raise inexact(self.section, wrong)
        return self._opened

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session, and with it what the server still computes for it."""
        if self._opened is not None:
            self._opened.session.stop()
            self._opened = None

    def _token(self) -> str | None:
        variable = self.section.token_env
        if variable is None:
            return None
        token = self._environment.get(variable, "").strip()
        if not token:
            raise AuthorizationError(
                f"The token of the engine at {self.section.server} is missing: the environment variable "
                f"{shown_variable(variable, 'token_env')} is not set. Export it, or put it into .env."
            )
        return token

    def _asked(
        self,
        opened: "Clocked",
        statement: str,
        tables: "Mapping[str, pa.Table]",
        views: Mapping[str, tuple[Sequence[ParquetFiles], Mapping[str, str]]],
    ) -> "pa.Table":
        from grpc import RpcError
        from pyspark.errors import PySparkException

        opened.begin()
        try:
            for name, table in tables.items():
                opened.session.createDataFrame(table).createOrReplaceTempView(name)
            for name, (files, columns) in views.items():
                rows = [self._read(opened.session, group, columns) for group in files]
                reduce(lambda left, right: left.unionAll(right), rows).createOrReplaceTempView(name)
            return opened.session.sql(statement).toArrow()
        except (PySparkException, RpcError) as error:
            raise engine_failure(self.section, error) from None

    def _read(self, session: Any, files: ParquetFiles, columns: Mapping[str, str]) -> Any:
        """The rows of these files. A schema is given: by default, Spark makes columns of the folders' names."""
        schema = ", ".join(f"{name} {kind}" for name, kind in files.columns.items())
        values = [
            f"CAST({name if name in files.columns else 'NULL'} AS {kind}) AS {name}" for name, kind in columns.items()
        ]
        return session.read.schema(schema).parquet(*map(self._seen, files.paths)).selectExpr(*values)

    def _seen(self, path: str) -> str:
        """The path of a file as the server sees it."""
        return f"{self.section.data_dir or self._root}{path.removeprefix(self._root)}"


def _clocked() -> "type[Clocked]":
    try:
        from circleci_cost.engines.channel import Clocked
    except ImportError:
        raise EngineError(
            "The client of Spark Connect is not installed; install it with `pip install pyspark-client`, or "
            "leave [engine] out to price with DuckDB. No costs were changed."
        ) from None
    return Clocked
