"""Makes files below a data directory readable for Polars and DuckDB, wherever the directory is.

Files of a disk are read in place, and objects from local copies. `files` and `conditional` write.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.stores.paths import StorePath

if TYPE_CHECKING:
    from circleci_cost.lake.stores.objects import Location, Meta

# More than the footer of a file of job runs takes; a longer one is fetched by a second request.
_FOOTER_BYTES = 128 * 1024
_T = TypeVar("_T")
_R = TypeVar("_R")


def present(paths: Iterable[Path]) -> list[Path]:
    """Those of some files that are there, in their order. Raises `StorageError`."""
    files = list(paths)
    remote = [path for path in files if isinstance(path, StorePath)]
    if not remote:
        return [path for path in files if path.exists()]
    from circleci_cost.lake.stores.copies import metas_of

    return [path for path, meta in zip(files, metas_of(remote), strict=True) if meta]


def readable(paths: Iterable[Path], *, immutable: bool = False) -> list[str]:
    """The names of local files that hold what `paths` hold now, in their order, for DuckDB's and Polars' scans.

    Of `immutable` files, whose names are never used for another content, a copy that is there already is taken without
    asking the store. Raises `StorageError`, for a missing object too.
    """
    files = list(paths)
    remote = [path for path in files if isinstance(path, StorePath)]
    if not remote:
        return [str(path) for path in files]
    from circleci_cost.lake.stores.copies import local_copies

    copies = dict(zip(remote, local_copies(remote, immutable=immutable), strict=True))
    return [str(copies[path] if isinstance(path, StorePath) else path) for path in files]


@contextmanager
def at_hand(path: Path) -> Iterator[Path]:
    """Yield a local file of the same name and content, to be read once: the file itself, or a copy that is removed.

    Raises `FileNotFoundError` for a missing object.
    """
    if not isinstance(path, StorePath):
        yield path
        return
    from circleci_cost.lake.stores.copies import fetch
    from circleci_cost.lake.stores.scratch import stage

    with stage() as folder:
        copy = folder / path.name
        with storage_errors(copy):
            fetch(path, path.location.head(), copy)
        yield copy


def parquet_source(path: Path) -> Path | io.BytesIO | None:
    """What Polars reads a Parquet file of a day from, whole; None where there is none."""
    if not isinstance(path, StorePath):
        return path if path.exists() else None
    try:
        return io.BytesIO(path.read_bytes())
    except FileNotFoundError:
        return None


def texts_of(
    name: str, paths: Iterable[Path], text_in: Callable[[Path | io.BytesIO], str | None], *, footers: bool = False
) -> list[str | None]:
    """The text that `text_in` finds in each file, in their order; None where there is no file, or no text in it.

    An object is read once by this machine as long as it stays the same: `name` tells this reading of these files from
    others. With `footers`, the last bytes of a Parquet file are enough for `text_in`. Raises `StorageError`, and what
    `text_in` raises.
    """
    files = list(paths)
    remote = [path for path in files if isinstance(path, StorePath)]
    if not remote:
        return [_text_of(path, text_in) for path in files]
    from circleci_cost.lake.stores.known_contents import known_contents

    fetch = _footer if footers else _whole
    return known_contents(name, remote, lambda path, meta: text_in(io.BytesIO(fetch(path.location, meta))))


def footer_source(path: Path) -> Path | io.BytesIO:
    """What Polars reads the metadata of a Parquet file from: of an object, its last bytes alone are fetched."""
    return io.BytesIO(_footer(path.location, path.location.head())) if isinstance(path, StorePath) else path


def _text_of(path: Path, text_in: Callable[[Path | io.BytesIO], str | None]) -> str | None:
    try:
        return text_in(path)
    except FileNotFoundError:
        return None


def _whole(location: "Location", meta: "Meta") -> bytes:
    return location.read_range(0, meta.size, meta.version) if meta.size else b""


def _footer(location: "Location", meta: "Meta") -> bytes:
    tail = location.read_range(max(0, meta.size - _FOOTER_BYTES), meta.size, meta.version) if meta.size else b""
    needed = int.from_bytes(tail[-8:-4], "little") + 8
    if len(tail) < needed <= meta.size:
        return location.read_range(meta.size - needed, meta.size, meta.version)
    return tail


def each_of(root: Path, items: Iterable[_T], read: Callable[[_T], _R]) -> list[_R]:
    """Apply `read`, which reads below `root`, to each item, in order: several at once where each waits for a store."""
    if not isinstance(root, StorePath):
        return [read(item) for item in items]
    from circleci_cost.lake.stores.copies import at_once

    return at_once(read, items)
