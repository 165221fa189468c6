"""Explains storage errors to people: those of the operating system, Polars, DuckDB and SQLite alike.

Errors that are not about storage are bugs, or explained elsewhere: for them the answer here is None.
"""

import errno
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Doing = Literal["read", "write", "use"]
_AGAIN = "then run the same command again"
_FREE = "Free space on that disk"
_ACCESS = "Give this user write access or use another directory"

_ADVICE = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: "Raise the quota or free space",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or use a file system without it",
    errno.EROFS: "Make the file system writable or use another directory",
    errno.EACCES: _ACCESS,
    errno.EPERM: _ACCESS,
    errno.EIO: "Check that disk and its cable, mount or network",
    errno.ESTALE: "Mount that file system again",
    errno.ENOTDIR: "Move away the file that stands where a directory belongs",
    errno.EEXIST: "Move away the file that stands where a directory belongs",
    errno.EISDIR: "Move away the directory that stands where a file belongs",
    errno.ENOTEMPTY: "Move away the directory that stands where a file belongs",
    errno.ELOOP: "Correct the symbolic link there",
    errno.ENAMETOOLONG: "Shorten that path",
    errno.EMFILE: "Raise the limit on open files (ulimit -n)",
    errno.ENFILE: "Raise the system's limit on open files",
    errno.ENOMEM: "Free memory",
}
_BY_TEXT = {os.strerror(number): number for number in _ADVICE}
# Only the texts of these classes: a conversion error quotes the value, which may hold any text.
_TEXTS = re.compile(rf"(?s)^(?:IO|TransactionContext|FATAL) Error.*?({'|'.join(map(re.escape, _BY_TEXT))})")
# Polars gives the operating system's number in the text only.
_NUMBER = re.compile(r"\(os error (\d+)\)")
_QUOTED_PATH = re.compile(r'(?:file|database|pattern) \\?["\'](/[^"\']+?)\\?["\']')
_HOLDER = re.compile(r"PID \d+")
_DAMAGED_PARQUET = re.compile(r"out of specification|thrift", re.I)


@dataclass(frozen=True)
class StorageFailure:
    """What went wrong: `reason` after a colon, `advice` for a sentence of its own, `path` where the error names one.

    What is `damaged`, or missing, needs another file.
    """

    reason: str
    advice: str
    path: str | None = None
    damaged: bool = False

    def while_writing(self) -> "StorageFailure":
        """What it means where a file was written: nothing is damaged then, it could not be ended."""
        if not self.damaged or self.path is not None:
            return self
        reason = "there is no space for all of it, on the disk or within a limit on the size of files (ulimit -f)"
        return StorageFailure(reason, f"{_FREE}, or raise the limit, {_AGAIN}.")


def storage_failure(error: BaseException) -> StorageFailure | None:
    """Explain an error of storage; None for an error that is about something else."""
    if _is(error, "sqlalchemy.exc", "DBAPIError"):
        error = getattr(error, "orig", None) or error
    if isinstance(error, OSError | MemoryError):
        return _of_system(error)
    if _is(error, "sqlite3", "Error"):
        return _of_sqlite(error)
    if _is(error, "duckdb", "Error"):
        return _of_duckdb(str(error))
    if _is(error, "polars.exceptions", "PolarsError"):
        return _of_polars(str(error))
    return None


def _is(error: BaseException, module: str, name: str) -> bool:
    """Whether the error is of that class; a library that is not loaded cannot have raised it, and stays unloaded."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))


def _of_number(number: int, path: str | None = None) -> StorageFailure | None:
    if number not in _ADVICE:
        return None
    return StorageFailure(os.strerror(number), f"{_ADVICE[number]}, {_AGAIN}.", path)


def _of_system(error: OSError | MemoryError) -> StorageFailure | None:
    if isinstance(error, MemoryError):
        return _of_number(errno.ENOMEM)
    number, path = error.errno, error.filename
    if number is None and (match := _NUMBER.search(str(error))):
        number = int(match.group(1))
    return _of_number(number, str(path) if isinstance(path, str | os.PathLike) else None) if number else None


def _of_polars(words: str) -> StorageFailure | None:
    if match := _NUMBER.search(words):
        return _of_number(int(match.group(1)))
    return _damage() if _DAMAGED_PARQUET.search(words) else None


def _of_duckdb(words: str) -> StorageFailure | None:
    path = match.group(1) if (match := _QUOTED_PATH.search(words)) else None
    for pattern, make in _DUCKDB:
        if match := pattern.search(words):
            return make(match, path)
    return None


def _held(match: re.Match[str], path: str | None) -> StorageFailure:
    pid = _HOLDER.search(match.string)
    holder = f" ({pid.group()})" if pid else ""
    return StorageFailure(f"another program{holder} has it open", f"End that program, {_AGAIN}.", path)


def _out_of_memory(match: re.Match[str], _: str | None) -> StorageFailure:
    if "max_temp_directory_size" in match.string:
        return StorageFailure("the disk has no more space for temporary files", f"{_FREE}, {_AGAIN}.")
    return StorageFailure("memory is short", f"End other programs or give the machine more memory, {_AGAIN}.")


def _newer(_: re.Match[str], path: str | None) -> StorageFailure:
    advice = f"Use the version of circleci_cost or DuckDB that wrote it, {_AGAIN}."
    return StorageFailure("it was written by a newer version", advice, path)


def _missing(_: re.Match[str], path: str | None) -> StorageFailure:
    return StorageFailure("it is missing", f"Restore it from a backup, {_AGAIN}.", path, damaged=True)


def _otherwise(match: re.Match[str], path: str | None) -> StorageFailure:
    return StorageFailure(match.group(1).rstrip("."), f"Check that disk, {_AGAIN}.", path)


def _damage(_: re.Match[str] | None = None, path: str | None = None) -> StorageFailure:
    advice = f"Restore it from a backup, or move it away and keep it, {_AGAIN}."
    return StorageFailure("it is damaged", advice, path, damaged=True)


# The first pattern that fits decides. DuckDB has one class for most of these errors, and no attribute for the operating
# system's number.
_DUCKDB: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str | None], StorageFailure]], ...] = (
    (re.compile(r"Could not set lock on file"), _held),
    (re.compile(r"^Out of Memory Error"), _out_of_memory),
    (_TEXTS, lambda match, path: _of_number(_BY_TEXT[match.group(1)], path) or _damage(match, path)),
    (re.compile(r"version number \d+, but|than the latest version supported|Unsupported Storage Version"), _newer),
    (
        re.compile(
            r"^Serialization Error|not a valid DuckDB database|Corrupt database|does not match stored checksum|"
            r"No magic bytes found|too small to be a Parquet file|Could not read enough bytes|Failed to read Parquet|"
            r"TProtocolException|"
            # Flipped bits in a Parquet file's data, and in its headers.
            r"^Invalid Input Error: Failed to read file|^don't know what type|^invalid TType|^Out of buffer",
            re.I,
        ),
        _damage,
    ),
    (re.compile(r"database does not exist|No files found that match the pattern"), _missing),
    (re.compile(r"^IO Error: (.*)"), _otherwise),
)


def _of_sqlite(error: BaseException) -> StorageFailure | None:
    import sqlite3

    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    numbers = {
        sqlite3.SQLITE_FULL: errno.ENOSPC,
        sqlite3.SQLITE_READONLY: errno.EROFS,
        sqlite3.SQLITE_PERM: errno.EACCES,
        sqlite3.SQLITE_NOMEM: errno.ENOMEM,
    }
    others = {
        sqlite3.SQLITE_IOERR: StorageFailure("it cannot be read or written", f"{_FREE} and check it, {_AGAIN}."),
        sqlite3.SQLITE_CANTOPEN: StorageFailure("the file cannot be opened", f"{_ACCESS}, {_AGAIN}."),
        sqlite3.SQLITE_BUSY: StorageFailure("another program keeps it locked", f"End that program, {_AGAIN}."),
        sqlite3.SQLITE_CORRUPT: _damage(),
        sqlite3.SQLITE_NOTADB: _damage(),
    }
    return _of_number(numbers[code]) if code in numbers else others.get(code)
