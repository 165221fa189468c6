"""Damaged files: what a download may bring instead of the part that CircleCI wrote.

Each is an action for the route "download"; the answer around the bytes stays well-formed HTTP.
"""

import gzip
from collections.abc import Callable

from isal import isal_zlib

from circleci_cost_tests.simulator_faults.actions import HTML_PAGE, Change

_GZIP = 31


def damaged(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Change the bytes of the file; its Content-Length fits what is sent."""
    return Change(name, lambda answer: answer.with_body(change(answer.body)))


def edited_csv(change: Callable[[bytes], bytes], name: str = "edited CSV") -> Change:
    """Change the CSV inside the file, which remains good gzip."""
    return damaged(name, lambda body: gzip.compress(change(gzip.decompress(body)), 1, mtime=0))


def truncated(missing: int = 100) -> Change:
    """Cut the last bytes off."""
    return damaged("truncated gzip", lambda body: body[: max(0, len(body) - missing)])


def flipped_bit(position: int) -> Change:
    """Flip one bit; the position counts bits and wraps at the end, so that any number fits any file."""

    def flipped(body: bytes) -> bytes:
        bit = position % (8 * len(body))
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    return damaged(f"bit {position} flipped", flipped)


def trailing_garbage(garbage: bytes = b"\x00garbage") -> Change:
    """Append bytes after the end of the gzip member."""
    return damaged("trailing garbage", lambda body: body + garbage)


def two_members() -> Change:
    """Write the same content as two gzip members, which is good gzip."""

    def split(body: bytes) -> bytes:
        text = gzip.decompress(body)
        half = text.index(b"\n", len(text) // 2) + 1
        return gzip.compress(text[:half], 1, mtime=0) + gzip.compress(text[half:], 1, mtime=0)

    return damaged("two gzip members", split)


def empty_file() -> Change:
    """Send no byte."""
    return damaged("empty file", lambda _: b"")


def plain_csv() -> Change:
    """Send the CSV itself under the name .gz."""
    return damaged("plain CSV", gzip.decompress)


def html_file() -> Change:
    """Send an HTML page as if it were the file."""
    return damaged("HTML file", lambda _: HTML_PAGE)


def gzip_bomb(megabytes: int = 2_000) -> Change:
    """Append a row of so many megabytes of zeros, which take a thousandth of that to send."""

    def bomb(body: bytes) -> bytes:
        compressor = isal_zlib.compressobj(level=1, wbits=_GZIP)
        blown = bytearray(compressor.compress(gzip.decompress(body)))
        for _ in range(megabytes):
            blown += compressor.compress(bytes(1_000_000))
        return bytes(blown + compressor.flush())

    return damaged(f"gzip bomb of {megabytes} MB", bomb)
