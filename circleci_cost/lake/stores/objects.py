"""The requests that everything here is made of: look at, read, list, put and remove objects by address.

Each raises what `failures.store_errors` says. Paths are `paths`' job, conditions `conditional`'s.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circleci_cost.lake.stores.clients import client
from circleci_cost.lake.stores.failures import store_errors

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MIB = 1 << 20
# What is read or sent with one request, so that each of them ends within its deadline on a slow line.
PIECE_BYTES = 8 * MIB
# Up to here an object is sent whole, which alone can be conditional; then it is in memory once.
WHOLE_BYTES = 256 * MIB
_AT_ONCE = 8
_KEYS_PER_LISTING = 1000
# A letter-only name: some servers drop header names with an underscore, and Azure takes no hyphen.
_MARK = "writer"


@dataclass(frozen=True)
class Version:
    """What a store calls the present content of an object; empty for an object that is not there."""

    e_tag: str = ""
    generation: str = ""

    @property
    def _mode(self) -> Any:
        known = {"e_tag": self.e_tag, "version": self.generation}
        return {key: value for key, value in known.items() if value} or "create"


ABSENT = Version()


@dataclass(frozen=True)
class Meta:
    """What a store says of an object. `modified` is by the store's own clock."""

    key: str
    size: int
    modified: datetime
    version: Version


@dataclass(frozen=True)
class Location:
    """An object, or a folder of objects, in a bucket."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")

    def head(self) -> Meta:
        """Look at the object. Raises `FileNotFoundError` where there is none."""
        import obstore

        with store_errors(str(self), "read"):
            return _meta(obstore.head(self._client(), self.key))

    def read(self) -> tuple[bytes, Meta]:
        """Read the object whole, large ones in pieces of the same version."""
        import obstore

        with store_errors(str(self), "read"):
            answer = obstore.get(self._client(), self.key)
            meta = _meta(answer.meta)
            if meta.size <= PIECE_BYTES:
                return bytes(answer.bytes()), meta
        ranges = [(start, min(start + PIECE_BYTES, meta.size)) for start in range(0, meta.size, PIECE_BYTES)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            pieces = pool.map(lambda span: self.read_range(span[0], span[1], meta.version), ranges)
            return b"".join(pieces), meta

    def pieces(self, meta: Meta) -> Iterator[bytes]:
        """Read a version of the object piece by piece. Raises `ChangedMeanwhileError` where it is replaced."""
        for start in range(0, meta.size, PIECE_BYTES):
            yield self.read_range(start, min(start + PIECE_BYTES, meta.size), meta.version)

    def read_range(self, start: int, end: int, version: Version) -> bytes:
        """Read some bytes. Raises `ChangedMeanwhileError` where the object has another version by now."""
        import obstore

        with store_errors(str(self), "read"):
            answer = obstore.get(
                self._client(), self.key, options={"range": (start, end), "if_match": version.e_tag or None}
            )
            return bytes(answer.bytes())

    def objects(self) -> Iterator[Meta]:
        """All objects below this folder, however deep, as the store lists them now."""
        import obstore

        with store_errors(str(self), "list"):
            for metas in obstore.list(self._client(), self.key or None, chunk_size=_KEYS_PER_LISTING):
                yield from map(_meta, metas)

    def children(self) -> tuple[list[str], list[Meta]]:
        """The keys of the folders directly below this one, and the objects directly below it."""
        import obstore

        with store_errors(str(self), "list"):
            listed = obstore.list_with_delimiter(self._client(), self.key or None)
            return list(listed["common_prefixes"]), [_meta(meta) for meta in listed["objects"]]

    def put(self, content: bytes, version: Version | None = None, mark: str = "") -> Version:
        """Write the object whole; with `version` only while it has that one (`ABSENT`: only where there is none).

        `mark` is kept beside the content, and tells writers of the same content apart.
        """
        import obstore

        large = len(content) > PIECE_BYTES
        with store_errors(str(self), "write"):
            result = obstore.put(
                self._client(whole_objects=large),
                self.key,
                content,
                mode="overwrite" if version is None else version._mode,
                attributes={_MARK: mark} if mark else None,
                use_multipart=False,
            )
            return Version(result["e_tag"] or "", result["version"] or "")

    def put_in_pieces(self, path: Path) -> Any:
        """Send a file in pieces; it becomes the object when `close` of what is returned is called."""
        import obstore

        with store_errors(str(self), "write"), path.open("rb") as file:
            writer = obstore.open_writer(self._client(), self.key, buffer_size=PIECE_BYTES, max_concurrency=_AT_ONCE)
            while piece := file.read(PIECE_BYTES):
                writer.write(piece)
            return writer

    def remove(self) -> None:
        """Remove the object; one that is not there is no error."""
        import obstore

        with store_errors(str(self), "remove"):
            try:
                obstore.delete(self._client(), self.key)
            except FileNotFoundError:
                return

    def marked(self) -> tuple[str, Version]:
        """The mark of the present version. Raises `FileNotFoundError` where there is no object."""
        import obstore

        with store_errors(str(self), "read"):
            answer = obstore.get(self._client(), self.key, options={"head": True})
            return answer.attributes.get(_MARK, ""), _meta(answer.meta).version

    def copy_to(self, target: "Location") -> None:
        """Copy the object within its bucket."""
        import obstore

        with store_errors(str(self), "write"):
            obstore.copy(self._client(whole_objects=True), self.key, target.key)

    def _client(self, *, whole_objects: bool = False) -> "ObjectStore":
        return client(self.scheme, self.bucket, whole_objects=whole_objects)


def _meta(meta: Any) -> Meta:
    version = Version(meta["e_tag"] or "", meta["version"] or "")
    return Meta(meta["path"], meta["size"], meta["last_modified"], version)
