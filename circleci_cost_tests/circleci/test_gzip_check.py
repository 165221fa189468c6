"""What counts as a whole and right gzip file."""

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.circleci import DownloadLimits, verify_gzip
from circleci_cost.circleci.gzip_check import GzipCheck
from circleci_cost.errors import ExportDataError
from circleci_cost.lake.manifests import Part
from circleci_cost_tests.circleci.harness import csv_part, gz

CSV = csv_part(1)
FILE = gz(CSV)
SMALL = DownloadLimits(max_bytes=20_000, max_uncompressed_bytes=5_000_000, ratio_free_bytes=1_000_000)


def check(data: bytes, piece: int = 1 << 16, limits: DownloadLimits = SMALL) -> Part:
    checked = GzipCheck("part 1", limits)
    for start in range(0, len(data), piece):
        checked.feed(data[start : start + piece])
    return checked.finish("part")


def problem(data: bytes, piece: int = 1 << 16, limits: DownloadLimits = SMALL) -> str:
    with pytest.raises(ExportDataError) as caught:
        check(data, piece, limits)
    return str(caught.value)


def part(data: bytes, content: bytes) -> Part:
    return Part(
        name="part",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        uncompressed_bytes=len(content),
        lines=content.count(b"\n"),
    )


@pytest.mark.parametrize("piece", [1, 3, 700, 1 << 16])
def test_a_whole_file_is_counted_and_hashed_whatever_the_pieces(piece: int) -> None:
    assert check(FILE, piece) == part(FILE, CSV)


def test_the_real_sample_is_whole() -> None:
    sample = verify_gzip(Path(__file__).parents[1] / "data" / "usage_export_part_unquoted.csv.gz")
    assert (sample.name, sample.lines, sample.uncompressed_bytes) == (
        "usage_export_part_unquoted.csv.gz",
        842,
        534_156,
    )


@pytest.mark.parametrize("piece", [1, 1 << 16])
def test_f029_a_truncated_file_is_refused_wherever_it_ends(piece: int) -> None:
    for length in range(1, len(FILE), 1 if piece > 1 else 97):
        assert problem(FILE[:length], piece) == f"part 1 is cut off after {length} bytes; nothing of it was used."


def test_f030_one_flipped_bit_is_refused() -> None:
    refused = 0
    for number in range(60):
        position = (10 + number * (len(FILE) - 10) // 60) * 8 + number % 8
        damaged = bytearray(FILE)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(ExportDataError):
            check(bytes(damaged))
        refused += 1
    assert refused == 60


def test_f030_no_flipped_bit_anywhere_changes_the_content_unseen() -> None:
    accepted = 0
    for position in range(len(FILE) * 8):
        damaged = bytearray(FILE)
        damaged[position // 8] ^= 1 << position % 8
        try:
            result = check(bytes(damaged))
        except ExportDataError:
            continue
        accepted += 1
        assert gzip.decompress(bytes(damaged)) == CSV
        assert result == part(bytes(damaged), CSV)
    # The header's time, system and hints, and padding between blocks, are under no checksum.
    assert accepted <= 60


@pytest.mark.parametrize(
    ("garbage", "what"),
    [
        (b"\0", "something else"),
        (b"\0garbage", "something else"),
        (b"<html>", "an HTML page"),
        (b"a,b\n", "a plain CSV"),
        (b"\x1f", None),
        (b"\x1f\x8b\x08", None),
        (FILE[:-1], None),
    ],
)
@pytest.mark.parametrize("piece", [1, 1 << 16])
def test_f031_trailing_garbage_is_refused(garbage: bytes, what: str | None, piece: int) -> None:
    message = problem(FILE + garbage, piece)
    if what is None:
        assert message == f"part 1 is cut off after {len(FILE + garbage)} bytes; nothing of it was used."
    elif piece > 1:
        assert message == f"part 1 has {what} behind its end; nothing of it was used."
    else:
        assert "behind its end; nothing of it was used." in message


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
def test_f032_two_whole_members_are_one_file_and_a_damaged_second_is_refused(piece: int) -> None:
    second = gz(csv_part(2))
    assert check(FILE + second, piece) == part(FILE + second, CSV + csv_part(2))
    damaged = second[:-6] + bytes([second[-6] ^ 1]) + second[-5:]
    assert problem(FILE + damaged, piece) == (
        "part 1 is damaged (its gzip checksum or structure is wrong); nothing of it was used."
    )


def test_f033_an_empty_file_is_refused_and_one_without_rows_is_not() -> None:
    assert problem(b"") == "part 1 is empty; nothing of it was used."
    assert check(gz(b"")) == part(gz(b""), b"")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("usage.csv", CSV)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (CSV, "a plain CSV"),
        (b'\xef\xbb\xbf"ORGANIZATION_ID","ORGANIZATION_NAME"\r\n', "a plain CSV"),
        (b"\n<!DOCTYPE html><html></html>", "an HTML page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML or HTML page"),
        (b'{"message": "no"}', "JSON"),
        (zipped(), "a zip archive"),
        (b"PAR1\0\0,", "something else"),
    ],
)
def test_f034_f035_what_is_not_gzip_is_called_by_its_name(data: bytes, kind: str) -> None:
    assert problem(data) == f"part 1 is {kind}, not gzip; nothing of it was used."


def test_a_reserved_flag_in_the_header_is_damage() -> None:
    assert "gzip header is not valid" in problem(FILE[:3] + b"\x80" + FILE[4:])


BOUNDS: list[tuple[DownloadLimits, Callable[[], bytes], str]] = [
    (DownloadLimits(max_bytes=100), lambda: FILE, "is larger than 100 bytes"),
    (DownloadLimits(max_uncompressed_bytes=1000), lambda: FILE, "expands to more than 1000 bytes"),
    (
        DownloadLimits(),
        lambda: gz(bytes(12_000_000)),
        "expands to more than 200 times its size, as no usage export does",
    ),
]


@pytest.mark.parametrize(("limits", "data", "what"), BOUNDS)
def test_f038_a_gzip_bomb_is_refused_early(limits: DownloadLimits, data: Callable[[], bytes], what: str) -> None:
    assert problem(data(), limits=limits) == (
        f"part 1 {what}; nothing of it was used. Raise the download limits only if you trust the file."
    )


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.integers(1, 5000))
def test_any_members_in_any_pieces_are_read_as_gzip_reads_them(contents: list[bytes], piece: int) -> None:
    data = b"".join(gz(content) for content in contents)
    assert check(data, piece) == part(data, gzip.decompress(data))
