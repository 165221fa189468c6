"""What small objects hold, kept on this machine by their versions: a listing tells which are to be read again.

Otherwise each run would ask for each of thousands of objects. What is kept is never the only copy, nor trusted for
another version than its own.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from circleci_cost.lake.stores.copies import at_once, metas_of
from circleci_cost.lake.stores.failures import ChangedMeanwhileError
from circleci_cost.lake.stores.objects import Meta
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.scratch import appearing, scratch

_FOLDER = "known"


def known_contents(
    name: str, paths: Sequence[StorePath], read: Callable[[StorePath, Meta], str | None]
) -> list[str | None]:
    """What `read` makes of each object, in their order; None where there is none, or where it says None.

    `read` is asked about versions that it was not asked about before; its None is not kept. `name` tells this reading
    of these objects from others. Raises `StorageError`, and what `read` raises.
    """
    if not paths:
        return []
    file = scratch(StorePath(*paths[0].parts[:2])) / _FOLDER / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"
    kept = _kept(file)
    found = list(zip(paths, metas_of(paths), strict=True))
    unknown = [(path, meta) for path, meta in found if meta and kept.get(meta.key, ("", ""))[0] != _version(meta)]
    if unknown:
        contents = at_once(lambda of: _read(read, *of), unknown)
        for (_, meta), content in zip(unknown, contents, strict=True):
            kept.pop(meta.key, None)
            if content is not None:
                kept[meta.key] = (_version(meta), content)
        with appearing(file) as temporary:
            temporary.write_text(json.dumps(kept))
    return [kept[meta.key][1] if meta and meta.key in kept else None for _, meta in found]


def _read(read: Callable[[StorePath, Meta], str | None], path: StorePath, meta: Meta | None) -> str | None:
    """Read an object; where another takes its place meanwhile, that one, which the next listing names by itself."""
    while meta:
        try:
            return read(path, meta)
        except FileNotFoundError:
            return None
        except ChangedMeanwhileError:
            (meta,) = metas_of([path])
    return None


def _kept(file: Path) -> dict[str, tuple[str, str]]:
    """What was kept before, by the objects' keys; nothing where that cannot be used."""
    try:
        kept = json.loads(file.read_bytes())
        return {key: (version, content) for key, (version, content) in kept.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _version(meta: Meta) -> str:
    return f"{meta.version.e_tag} {meta.version.generation}"
