"""Random draws as pure functions of a key, so that any day can be drawn without the days before it.

Nothing here knows what is drawn; `runs` and `generator` give the keys their meaning.
"""

from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Keys = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1
_HEX_PAIRS = np.frombuffer(b"".join(f"{byte:02x}".encode() for byte in range(256)), dtype=np.uint16)
_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))


def mix(keys: Keys) -> Keys:
    """Return the splitmix64 finaliser of each key: one changed bit changes about half of the bits of the result."""
    mixed = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def child(keys: Keys, number: int | Integers | Keys) -> Keys:
    """Return the keys' `number`-th children; a scalar number is a purpose, an array counts siblings."""
    if isinstance(number, int):
        return mix(keys + np.uint64((number + 1) * _GOLDEN & _WORD))
    return mix(keys + (number.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))


def root(*parts: int | str) -> Keys:
    """Return the one-element key of a few constants; a UUID's text counts as its number."""
    key = np.zeros(1, dtype=np.uint64)
    for part in parts:
        number = UUID(part).int if isinstance(part, str) else part
        key = child(child(key, number & _WORD), number >> 64)
    return key


def unit(keys: Keys, purpose: int) -> Floats:
    """Draw uniformly from [0, 1)."""
    return (child(keys, purpose) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(keys: Keys, purpose: int) -> Floats:
    """Draw from the standard normal distribution (Box-Muller)."""
    radius = np.sqrt(-2.0 * np.log1p(-unit(keys, purpose)))
    return np.asarray(radius * np.cos(2.0 * np.pi * unit(keys, purpose + 1_000)), dtype=np.float64)


def uuids(keys: Keys, purpose: int) -> pl.Series:
    """Return one version 4 UUID per key, as text."""
    raw = np.empty((len(keys), 2), dtype=np.uint64)
    raw[:, 0] = child(keys, purpose)
    raw[:, 1] = child(keys, purpose + 1_000)
    octets = raw.view(np.uint8)
    octets[:, 6] = (octets[:, 6] & 0x0F) | 0x40
    octets[:, 8] = (octets[:, 8] & 0x3F) | 0x80
    digits = _HEX_PAIRS[octets].view(np.uint8)
    text = np.full((len(keys), 36), ord("-"), dtype=np.uint8)
    for dashes, (first, last) in enumerate(_GROUPS):
        text[:, first + dashes : last + dashes] = digits[:, first:last]
    offsets = np.arange(0, 36 * len(keys) + 1, 36, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(len(keys), pa.py_buffer(offsets), pa.py_buffer(text))
    return pl.Series(array)


def within(counts: Integers) -> Integers:
    """Count through consecutive groups of the given sizes: [2, 3] gives 0 1 0 1 2."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total, dtype=np.int64) - np.repeat(ends - counts, counts)
