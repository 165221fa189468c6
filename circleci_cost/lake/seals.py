"""The checksum that a Parquet file carries in its own footer: a file of its own could not be renamed together with it.

It is the SHA-256 of the whole file with zeros in its place.
"""

import hashlib
import re
from pathlib import Path

# Of the JSON in a file's footer; the digits are written over in place, when all other bytes are.
UNSEALED = f'"sha256": "{"0" * 64}"'
_SEAL = re.compile(rb'"sha256": "([0-9a-f]{64})"')
# A Parquet file ends with its footer, the footer's length in four bytes, little-endian, and a magic word.
_TRAILER_BYTES = 8


def seal(path: Path) -> None:
    """Write a file's checksum where its footer has `UNSEALED`. Raises `ValueError` where it has not."""
    content = path.read_bytes()
    found = _found(content)
    if found is None or found.group() != UNSEALED.encode():
        raise ValueError(f"{path} has no place for its checksum")
    with path.open("r+b") as file:
        file.seek(found.start(1))
        file.write(hashlib.sha256(content).hexdigest().encode())


def is_as_sealed(path: Path) -> bool:
    """Whether a local file is as it was sealed; one without a seal, which earlier versions wrote, passes.

    A file whose footer is damaged may have no seal any more: that it can be read is to be found out otherwise.
    """
    content = path.read_bytes()
    found = _found(content)
    if found is None:
        return True
    digest = hashlib.sha256(content[: found.start(1)])
    digest.update(b"0" * 64)
    digest.update(content[found.end(1) :])
    return digest.hexdigest().encode() == found.group(1)


def _found(content: bytes) -> re.Match[bytes] | None:
    length = int.from_bytes(content[-_TRAILER_BYTES : -_TRAILER_BYTES // 2], "little")
    found = list(_SEAL.finditer(content, max(len(content) - _TRAILER_BYTES - length, 0)))
    # What a writer tells of itself comes after what it tells of the columns, whose values may look like it.
    return found[-1] if found else None
