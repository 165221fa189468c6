"""A local temporary file that becomes an object when it is complete: what a rename is on a disk.

`lake.files.atomic_path` decides by the target which of the two it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from circleci_cost.lake.stores.failures import changed_meanwhile, store_errors
from circleci_cost.lake.stores.leases import held_leases, require_leases
from circleci_cost.lake.stores.objects import ABSENT, WHOLE_BYTES, Version
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.scratch import stage
from circleci_cost.lake.stores.writes import write


@contextmanager
def uploaded(target: StorePath) -> Iterator[Path]:
    """Yield a path on this machine's disk; on a clean exit its bytes become the object `target`.

    Under a lease the object is replaced only while it is as it was on entry and the lease is not lost: a worker that
    was stopped for a while never overwrites the work of the one that took over. Raises `ChangedMeanwhileError` and
    `LostLeaseError` then, `StorageError` for a store that refuses or does not answer.
    """
    before = version_of(target) if held_leases() else None
    with stage() as folder:
        temporary = folder / target.name
        yield temporary
        upload(temporary, target, before)


def upload(file: Path, target: StorePath, before: Version | None = None) -> None:
    """Send a file; with `before` only while the object has that version, and no lease of this thread is lost.

    A file that is too large to be sent whole is sent in pieces; its version is compared right before the last one.
    """
    if file.stat().st_size <= WHOLE_BYTES:
        content = file.read_bytes()
        require_leases()
        write(target.location, content, before)
        return
    writer = target.location.put_in_pieces(file)
    require_leases()
    if before is not None and version_of(target) != before:
        raise changed_meanwhile(str(target))
    with store_errors(str(target), "write"):
        writer.close()


def version_of(path: StorePath) -> Version:
    """The present version of an object, `ABSENT` where there is none."""
    try:
        return path.location.head().version
    except FileNotFoundError:
        return ABSENT
