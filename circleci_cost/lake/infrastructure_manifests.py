"""Manifests that clouds put beside their cost exports: which files a delivery consists of, and when it was made.

AWS writes `…Manifest.json` below `metadata/` (older reports beside the data), Azure `manifest.json` into the folder of
each run; both write it after all data. Choosing the delivery that counts is `infrastructure_deliveries`' job.
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
    """The `files` of a delivery as its cloud names them, and the time it states it was `made` at, empty without one.

    `modified` is when the manifest was written last, `size` its bytes. JSON without a list is a manifest of no files.
    """

    name: str
    files: tuple[str, ...]
    made: str
    modified: int
    size: int


def manifests_beside(
    patterns: Sequence[str], resolve: Callable[[Path], Path], known: Mapping[str, Manifest], *, needed: bool = True
) -> list[Manifest]:
    """Find the manifests beside the files of some patterns, each once.

    Unless manifests are `needed`, places that refuse access are skipped. A cloud that delivers a month anew each day
    leaves hundreds of manifests: unchanged ones that are `known` by name are not read again. Raises as `find_files`,
    but not where there is no manifest.
    """
    by_name: dict[str, FoundFile] = {}
    for beside in dict.fromkeys(beside for pattern in patterns for beside in _patterns(pattern)):
        try:
            by_name |= {file.name: file for file in find_files(beside, resolve)}
        except ConfigurationError:
            # No manifest there. Whether the cost files themselves exist is checked elsewhere.
            continue
        except AuthorizationError:
            if needed:
                raise
    return [_known_or_read(by_name[name], known.get(name)) for name in sorted(by_name)]


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
    """Read one manifest. Raises `ExportDataError` where it is not JSON."""
    with opened(file) as stream:
        content = stream.read(_LARGEST)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ExportDataError(
            f"{file.name} is no JSON, so that it cannot be told which files its delivery consists of; deliver or copy "
            "it again. Nothing of this source was used."
        ) from None
    files = tuple(_files(document)) if isinstance(document, dict) else ()
    return Manifest(file.name, files, _stated_time(document), file.modified, file.size)


def _files(document: dict[str, Any]) -> Iterator[str]:
    entries = (entry for key in ("dataFiles", "reportKeys", "blobs") for entry in _entries(document.get(key)))
    for entry in entries:
        name = entry.get("blobName") if isinstance(entry, dict) else entry
        if isinstance(name, str):
            yield _path(name)


def _entries(listed: object) -> list[Any]:
    return listed if isinstance(listed, list) else []


def _path(name: str) -> str:
    """The path in a file's name or address; an address that cannot be parsed is kept as it is, and fits no file."""
    written = name.encode(errors="replace").decode()
    try:
        return urlsplit(written).path if "://" in written else written
    except ValueError:
        return written


def _stated_time(document: dict[str, Any]) -> str:
    for steps in _TIMES:
        value: Any = document
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str) and value.isascii() and re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d", value):
            return value
    return ""


def listed(manifest: Manifest, files: Sequence[FoundFile]) -> dict[str, FoundFile | None]:
    """Find the file of each entry of a manifest by folder and name, since files may have been copied.

    Where several fit, the one whose path has the longest common end with the entry is taken.
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
