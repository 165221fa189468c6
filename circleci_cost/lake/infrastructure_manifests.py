"""Manifests that clouds put beside their cost exports: which files a delivery consists of, and when it was made.

AWS writes `…Manifest.json` below `metadata/` (older reports beside the data), Azure `manifest.json` into the folder of
each run; both write it when all data is there. Which delivery counts is the business of `infrastructure_deliveries`.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from circleci_cost.errors import AuthorizationError, ConfigurationError, ExportDataError
from circleci_cost.lake.remote_files import FoundFile, find_files, opened

_NAME = "*anifest.json"
_LARGEST = 64 << 20
_TIMES = (("runInfo", "submittedTime"), ("submittedTime",), ("createdAt",))


@dataclass(frozen=True)
class Manifest:
    """The `files` that a delivery consists of, as its maker names them, and when it was `made` by its own word, if any.

    `modified` is when the manifest was written last, `size` its bytes. JSON that lists no files is one of none.
    """

    name: str
    files: tuple[str, ...]
    made: str
    modified: int
    size: int


def manifests_beside(
    patterns: Sequence[str], resolve: Callable[[Path], Path], known: Mapping[str, Manifest], *, needed: bool = True
) -> list[Manifest]:
    """The manifests beside the files of some patterns, each once; where they are not `needed`, those that may be read.

    A cloud that delivers a month anew each day leaves hundreds of them: those `known` by name are not read again.
    Raises as `find_files`, but not for none at all.
    """
    found: dict[str, FoundFile] = {}
    for pattern in dict.fromkeys(each for given in patterns for each in _patterns(given)):
        try:
            found |= {file.name: file for file in find_files(pattern, resolve)}
        except ConfigurationError:
            # That the files themselves are there is looked at elsewhere.
            continue
        except AuthorizationError:
            if needed:
                raise
    return [_known_or_read(found[name], known.get(name)) for name in sorted(found)]


def _patterns(pattern: str) -> Iterator[str]:
    address, mark, options = pattern.partition("?") if "://" in pattern else (pattern, "", "")
    folder, _, last = address.rpartition("/")
    folder = f"{folder}/**" if last == "**" and not folder.endswith("**") else folder
    for place in dict.fromkeys((folder, re.sub(r"/data(/|$)", r"/metadata\1", folder))):
        yield f"{place}/{_NAME}{mark}{options}" if place else _NAME


def _known_or_read(file: FoundFile, known: Manifest | None) -> Manifest:
    same = known is not None and (known.size, known.modified) == (file.size, file.modified)
    return known if known is not None and same else _read(file)


def _read(file: FoundFile) -> Manifest:
    """Raises `ExportDataError` for what is no JSON at all."""
    with opened(file) as stream:
        content = stream.read(_LARGEST)
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise ExportDataError(
            f"{file.name} is no JSON, so that it cannot be told which files its delivery consists of; deliver or copy "
            "it again. Nothing of this source was used."
        ) from None
    files = tuple(_files(said)) if isinstance(said, dict) else ()
    return Manifest(file.name, files, _made(said), file.modified, file.size)


def _files(said: dict[str, Any]) -> Iterator[str]:
    entries = (each for key in ("dataFiles", "reportKeys", "blobs") for each in _entries(said.get(key)))
    for each in entries:
        name = each.get("blobName") if isinstance(each, dict) else each
        if isinstance(name, str):
            yield _path(name)


def _entries(listed: object) -> list[Any]:
    return listed if isinstance(listed, list) else []


def _path(name: str) -> str:
    """The path of a file's name or address; what is no address at all is a name that no file has."""
    written = name.encode(errors="replace").decode()
    try:
        return urlsplit(written).path if "://" in written else written
    except ValueError:
        return written


def _made(said: dict[str, Any]) -> str:
    for steps in _TIMES:
        value: Any = said
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str) and value.isascii() and re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d", value):
            return value
    return ""


def listed(manifest: Manifest, files: Sequence[FoundFile]) -> dict[str, FoundFile | None]:
    """Which of some files each entry of a manifest is: files may have been copied, so folder and name are compared.

    Where several are the same in these, the one with the longest common end of its path is meant.
    """
    by_end: dict[tuple[str, ...], list[FoundFile]] = {}
    for file in files:
        by_end.setdefault(PurePosixPath(file.name).parts[-2:], []).append(file)
    return {entry: _nearest(entry, by_end.get(PurePosixPath(entry).parts[-2:], [])) for entry in manifest.files}


def _nearest(entry: str, files: Sequence[FoundFile]) -> FoundFile | None:
    wanted = PurePosixPath(entry).parts[::-1]

    def common(file: FoundFile) -> int:
        parts = PurePosixPath(file.name).parts[::-1]
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(wanted, parts, strict=False))
        return sum(1 for _ in same)

    return max(files, key=common, default=None)
