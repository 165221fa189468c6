"""Opens DuckDB databases: the one place, so that none of them fetches or loads an extension by itself.

Who may have the warehouse or a generation open, and when, is for `defs.resources` and `warehouse.publishing` to say.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from circleci_cost.text.literals import sql_text

# A function that it does not know would otherwise have DuckDB ask its own server for code, and run that.
_OWN_CODE_ONLY = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}


def connect(
    database: Path | str = ":memory:", *, read_only: bool = False, config: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a database, in memory where none is named."""
    return duckdb.connect(str(database), read_only=read_only, config={**(config or {}), **_OWN_CODE_ONLY})


def spill_into(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let what does not fit into memory go to this folder; else it goes beside the database.

    DuckDB makes the folder once it needs it, and no other: those above it are made here.
    """
    # A query that fits into memory needs none, and one that does not says what is wrong with the folder.
    with suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"SET GLOBAL temp_directory = {sql_text(str(folder.absolute()))}")
