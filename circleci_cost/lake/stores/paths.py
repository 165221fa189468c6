"""`StorePath`: an object's address used as a `Path`, so that code over a data directory need not tell them apart.

Reading, listing and removing work as on a disk; writing is `lake.files`' job. What has no meaning for an object, such
as opening it for writing or locking it, raises `TypeError`: it is never taken for a file of this machine.
"""

import fnmatch
import io
import os
import stat
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path, PosixPath
from typing import IO, TYPE_CHECKING, Any, Self

from circleci_cost.lake.stores.addresses import SCHEMES

# What talks to a store is imported where one is used: everything that has a path imports this module.
if TYPE_CHECKING:
    from circleci_cost.lake.stores.objects import Location, Meta

_ROOTS = {(f"{scheme}:",) for scheme in SCHEMES}
_FILE_MODE = stat.S_IFREG | 0o644
_FOLDER_MODE = stat.S_IFDIR | 0o755


class StorePath(PosixPath):
    """An object, or the folder of objects whose keys begin with its key. Nothing is cached: each call asks the store.

    The address is in the parts of the path (`s3:`, bucket, key), so that `/`, `parent`, comparisons and pickling are
    `pathlib`'s own.
    """

    __slots__ = ()

    def __str__(self) -> str:
        text = super().__str__()
        scheme, colon, rest = text.partition(":/")
        return f"{scheme}://{rest}" if colon and scheme in SCHEMES else text

    def __fspath__(self) -> str:
        raise TypeError(f"{self} is in an object store, not a file of this machine")

    @classmethod
    def is_one(cls, path: Path) -> bool:
        """Whether a path's first part is a scheme, whatever its class."""
        return path.parts[:1] in _ROOTS

    @property
    def location(self) -> "Location":
        """The object's place for requests."""
        from circleci_cost.lake.stores.objects import Location

        scheme, bucket, *steps = self.parts
        return Location(scheme.rstrip(":"), bucket, "/".join(steps))

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Size and time of an object, by the store's clock; a folder is as old as the newest object below it."""
        try:
            meta = self.location.head()
        except FileNotFoundError:
            newest = max((meta.modified.timestamp() for meta in self.location.objects()), default=None)
            if newest is None:
                raise
            return os.stat_result((_FOLDER_MODE, 0, 0, 1, 0, 0, 0, int(newest), int(newest), int(newest)))
        at = int(meta.modified.timestamp())
        return os.stat_result((_FILE_MODE, 0, 0, 1, 0, 0, meta.size, at, at, at))

    def lstat(self) -> os.stat_result:
        """As `stat`: a store has no links."""
        return self.stat()

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is an object, or any below it."""
        return self.is_file() or self.is_dir()

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is an object of this key."""
        try:
            self.location.head()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether any object's key begins with this one and a slash."""
        return next(self.location.objects(), None) is not None

    def is_symlink(self) -> bool:
        """False: a store has no links."""
        return False

    def open(self, mode: str = "r", buffering: int = -1, encoding: str | None = None, *_: Any, **__: Any) -> IO[Any]:  # type: ignore[override]
        """Open an object for reading; what changes meanwhile is an error, never a mixture of two versions."""
        if mode not in ("r", "rb", "rt"):
            raise TypeError(f"{self} cannot be opened with mode {mode!r}; write it with lake.files.atomic_path")
        from circleci_cost.lake.stores.reading import opened

        stream = opened(self.location)
        return stream if mode == "rb" else io.TextIOWrapper(stream, encoding or "utf-8")

    def read_bytes(self) -> bytes:
        """Read an object whole."""
        return self.location.read()[0]

    def read_text(self, encoding: str | None = None, *_: Any, **__: Any) -> str:
        """Read an object whole, as UTF-8."""
        return self.read_bytes().decode(encoding or "utf-8")

    def iterdir(self) -> Generator[Self, None, None]:
        """What is directly in this folder, by key."""
        folders, metas = self.location.children()
        yield from (self._at(key) for key in sorted([*folders, *(meta.key for meta in metas)]))

    def glob(self, pattern: str, **_: Any) -> Generator[Self, None, None]:
        """The objects and folders that fit a relative pattern, by key; `**/` may only stand before a name."""
        steps = str(pattern).split("/")
        if steps[:-1] == ["**"]:
            yield from self.rglob(steps[-1])
            return
        if "**" in steps:
            raise TypeError(f"{self} takes no such pattern with **: {pattern}")
        fixed = 0
        while fixed < len(steps) - 1 and not set("*?[") & set(steps[fixed]):
            fixed += 1
        base = self.joinpath(*steps[:fixed])
        yield from base._matching(steps[fixed:])

    def rglob(self, pattern: str, **_: Any) -> Generator[Self, None, None]:
        """The objects below this folder, however deep, whose name fits, by key."""
        yield from (path for path in self.metas() if fnmatch.fnmatchcase(path.name, str(pattern)))

    def _matching(self, steps: Sequence[str]) -> Iterator[Self]:
        depth = len(self.parts)
        if len(steps) == 1:
            found: Iterator[Self] = self.iterdir()
        else:
            found = self._ancestors(len(steps))
        for path in found:
            inner = path.parts[depth:]
            if all(fnmatch.fnmatchcase(name, step) for name, step in zip(inner, steps, strict=True)):
                yield path

    def _ancestors(self, levels: int) -> Iterator[Self]:
        """Each path that is `levels` below this folder, once; keys are listed in order."""
        depth = len(self.parts) + levels
        last: Self | None = None
        for meta in self.location.objects():
            parts = self._at(meta.key).parts
            if len(parts) >= depth:
                path = type(self)(*parts[:depth])
                if path != last:
                    yield path
                last = path

    def metas(self) -> "dict[Self, Meta]":
        """All objects below this folder with what the store says of them: one request per thousand."""
        return {self._at(meta.key): meta for meta in self.location.objects()}

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove an object."""
        if not missing_ok:
            self.location.head()
        self.location.remove()

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a store has no folders of its own."""

    def rmdir(self) -> None:
        """Do nothing: a folder is gone with its last object."""

    def replace(self, target: Any) -> Self:
        """Copy an object, then remove it. After a crash in between it is in both places; moving it again ends it."""
        self.location.copy_to(target.location)
        self.location.remove()
        return self._at(target.location.key)

    def absolute(self) -> Self:
        """Return the path itself: an address is always absolute."""
        return self

    def is_absolute(self) -> bool:
        """True for an address."""
        return True

    def resolve(self, strict: bool = False) -> Self:
        """Return the path itself: a store has no links."""
        return self

    def expanduser(self) -> Self:
        """Return the path itself."""
        return self

    def _at(self, key: str) -> Self:
        return type(self)(*self.parts[:2], key)


def directory(text: str) -> Path:
    """The data directory that a path or an address names."""
    return StorePath(text) if text.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)) else Path(text)
