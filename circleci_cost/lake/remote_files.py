"""Finds and opens files that others provide: on this machine by path or glob, in object stores by address.

Which stores there are is in `model.infrastructure.addresses`; what files hold is up to their readers. No message
shows a part of an address that could be a secret.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from circleci_cost.errors import (
    AuthorizationError,
    CircleciCostError,
    ConfigurationError,
    TransientSourceError,
)
from circleci_cost.lake.files import storage_errors
from circleci_cost.named_files.regular_files import require_regular_file

_PIECE = 1 << 20
_WILD = re.compile(r"[*\[]")
_LOCAL_WILD = re.compile(r"[*?\[]")
# Google's client would try for a quarter of an hour.
_PATIENCE = {"gs": "retry_limit_seconds=60"}
_DENIED = re.compile(
    r"ACCESS_DENIED|\b40[13]\b|PERMISSION_DENIED|UNAUTHENTICATED|INVALID_ACCESS_KEY|SIGNATURE|credential", re.I
)
_ABSENT = re.compile(r"NO_SUCH_BUCKET|NO_SUCH_KEY|RESOURCE_NOT_FOUND|NOT_FOUND|\b404\b|not found|does not exist", re.I)


@dataclass(frozen=True)
class FoundFile:
    """A file that fits a pattern. `version` changes with its content where a store tells it, else it is empty.

    `modified` is when it was written last, in nanoseconds; copying may change it.
    """

    name: str
    path: str
    size: int
    version: str = ""
    store: Any = field(default=None, repr=False, compare=False)
    modified: int = field(default=0, compare=False)


def find_files(pattern: str, resolve: Callable[[Path], Path]) -> list[FoundFile]:
    """Find the files that fit a path, a glob or an address, by name; at least one.

    `resolve` makes a relative path absolute. Raises `ConfigurationError` where nothing fits, `AuthorizationError`
    and `TransientSourceError` for an object store that refuses or does not answer.
    """
    files = _in_store(pattern) if "://" in pattern else _on_this_machine(pattern, resolve)
    return sorted(files, key=lambda file: file.name)


@contextmanager
def local_copy(file: FoundFile, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield a local path to a file's bytes, and their SHA-256; what a store holds is copied into `folder` meanwhile.

    Raises as `find_files`, and `TransientSourceError` for a file that changed while it was read.
    """
    if file.store is not None:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{hashlib.sha256(file.name.encode()).hexdigest()[:16]}.part"
        try:
            yield copy, _download(file, copy)
        finally:
            copy.unlink(missing_ok=True)
        return
    path = Path(file.path)
    with _local_errors(file.path), path.open("rb") as stream:
        before = path.stat()
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        yield path, digest
        after = path.stat()
    except FileNotFoundError:
        raise changed(file) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise changed(file)


@contextmanager
def opened(file: FoundFile) -> Iterator[BinaryIO]:
    """Open a file where it is, without a copy. Raises as `find_files`."""
    if file.store is None:
        with _local_errors(file.path), Path(file.path).open("rb") as stream:
            yield stream
        return
    with _store_errors(file.name), file.store.open_input_file(file.path) as stream:
        yield stream


def changed(file: FoundFile) -> TransientSourceError:
    """The error for a file that changed while it was read."""
    return TransientSourceError(f"{file.name} changed while it was read; nothing of it was used. Run again.")


def _opened_anew(copy: Path) -> BinaryIO:
    """Open a new file; a killed process's leftover or a link in its place is removed, never written through."""
    copy.unlink(missing_ok=True)
    return copy.open("xb")


def _download(file: FoundFile, copy: Path) -> str:
    digest = hashlib.sha256()
    with (
        _store_errors(file.name),
        file.store.open_input_stream(file.path, compression=None) as stream,
        storage_errors(copy),
        _opened_anew(copy) as target,
    ):
        while piece := stream.read(_PIECE):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def _on_this_machine(pattern: str, resolve: Callable[[Path], Path]) -> list[FoundFile]:
    literal = resolve(Path(pattern))
    if not literal.is_dir():
        require_regular_file(literal, ConfigurationError)
    try:
        paths = [literal] if literal.is_file() else _glob(pattern, resolve)
        if paths:
            return [_local_file(path, path.stat()) for path in paths]
    except OSError as error:
        raise ConfigurationError(f"{literal} cannot be read ({error.strerror}); let this user read it.") from None
    except ValueError:
        raise _no_pattern(str(literal)) from None
    if _LOCAL_WILD.search(pattern):
        raise _nothing_fits(str(literal))
    what = "is a folder; write a glob such as folder/*.csv.gz" if literal.is_dir() else "is not there; correct it"
    raise ConfigurationError(f"{literal} {what} (files of [[infrastructure]]).")


def _local_file(path: Path, status: os.stat_result) -> FoundFile:
    return FoundFile(str(path), str(path), status.st_size, modified=status.st_mtime_ns)


def _glob(pattern: str, resolve: Callable[[Path], Path]) -> list[Path]:
    steps = Path(pattern).parts
    fixed = next((at for at, step in enumerate(steps) if _LOCAL_WILD.search(step)), len(steps))
    if fixed == len(steps):
        return []
    # The folder of the configuration file may have wildcard characters in its own name.
    matches = resolve(Path(*steps[:fixed])).glob(str(Path(*steps[fixed:])))
    return [path for path in matches if path.is_file() and not path.name.startswith(".")]


def _in_store(pattern: str) -> list[FoundFile]:
    from pyarrow import fs

    parts = urlsplit(pattern)
    path = parts.path.lstrip("/")
    # Without the account or key before the host, and without options.
    store_name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    wild = _WILD.search(path)
    folder = path[: wild.start()].rpartition("/")[0] if wild else path
    beyond = path[len(folder) :].lstrip("/")
    with _store_errors(f"{store_name}/{path}"):
        store, base = fs.FileSystem.from_uri(_arrow_uri(parts, folder))
        target = fs.FileSelector(base, recursive="/" in beyond or "**" in beyond) if wild else [base]
        infos = [info for info in store.get_file_info(target) if info.type == fs.FileType.File]
    bucket = base.removesuffix(folder).rstrip("/")
    keys = [info.path.removeprefix(bucket).lstrip("/") for info in infos]
    try:
        fits = re.compile(_as_regex(path))
    except re.error:
        raise _no_pattern(f"{store_name}/{path}") from None
    files = [
        FoundFile(
            *(f"{store_name}/{key}", info.path, info.size or 0, f"{info.size} bytes of {info.mtime_ns}", store),
            modified=info.mtime_ns or 0,
        )
        for key, info in zip(keys, infos, strict=True)
        if fits.fullmatch(key)
    ]
    if not files:
        raise _nothing_fits(f"{store_name}/{path}")
    return files


def _nothing_fits(pattern: str) -> ConfigurationError:
    return ConfigurationError(f"No file fits {pattern}; correct the files of [[infrastructure]], or wait for one.")


def _no_pattern(pattern: str) -> ConfigurationError:
    return ConfigurationError(f"{pattern} is no glob; write **/ only between folders, and sets such as [0-9].")


def _arrow_uri(parts: SplitResult, folder: str) -> str:
    scheme = "abfss" if parts.scheme == "az" else parts.scheme
    query = parts.query
    if parts.scheme in _PATIENCE and "retry_limit_seconds" not in query:
        query = "&".join(filter(None, (query, _PATIENCE[parts.scheme])))
    return urlunsplit((scheme, parts.netloc, quote(f"/{folder}") if folder else "", query, ""))


def _as_regex(pattern: str) -> str:
    """A pattern of keys as a regular expression: `*` stays within a folder, `**/` is any folders or none."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    steps = re.split(r"(\*\*/|\*\*|\*|\[[^\]/]+\])", pattern)
    return "".join(wild.get(step) or _of_set(step) for step in steps)


def _of_set(step: str) -> str:
    if step.startswith("[") and step.endswith("]"):
        inside = step[1:-1]
        denied, inside = ("^", inside[1:]) if inside.startswith("!") else ("", inside)
        escaped = re.sub(r"([\\^\[])", r"\\\1", inside)
        return f"[{denied}{escaped}]"
    return re.escape(step)


@contextmanager
def _local_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename) != path:
            raise
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); let this user read it.") from None


@contextmanager
def _store_errors(name: str) -> Iterator[None]:
    """Turn a store's errors into sentences; their own text is left out, since it may hold an address."""
    import pyarrow as pa

    try:
        yield
    except CircleciCostError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise _explained(name, str(error)) from None


def _explained(name: str, words: str) -> CircleciCostError:
    if _ABSENT.search(words):
        return ConfigurationError(f"{name} is not there; correct the files of [[infrastructure]].")
    if _DENIED.search(words):
        return AuthorizationError(
            f"{name} may not be read with the credentials of this environment; give them read and list access, or "
            "correct them."
        )
    return TransientSourceError(f"{name} cannot be read now: the object store did not answer as it should. Try again.")
