import gzip
import zlib

import httpx
import pytest

from circleci_cost.simulator import Fault
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.simulator_faults import damage as d

from .conftest import Api


def downloads(api: Api, action: Action) -> tuple[bytes, bytes]:
    """Return a part as it is and as the action damages it; the length stated fits in either case."""
    url = api.urls()[0]
    good = httpx.get(url, timeout=60).content
    api.simulator.faults.add(Fault("download", action))
    answer = httpx.get(url, timeout=60)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert api.simulator.log.of("download")[-1].fault == action.name
    return good, answer.content


def test_a_truncated_file_misses_its_end(api: Api) -> None:
    good, bad = downloads(api, d.truncated(50))
    assert bad == good[:-50]
    with pytest.raises(EOFError):
        gzip.decompress(bad)


@pytest.mark.parametrize("position", [7, 4_000, -1])
def test_one_bit_is_flipped(api: Api, position: int) -> None:
    good, bad = downloads(api, d.flipped_bit(position))
    different = [(index, a ^ b) for index, (a, b) in enumerate(zip(good, bad, strict=True)) if a != b]
    bit = position % (8 * len(good))
    assert different == [(bit // 8, 1 << bit % 8)]
    with pytest.raises((gzip.BadGzipFile, zlib.error, EOFError)):
        gzip.decompress(bad)


def test_garbage_follows_the_end(api: Api) -> None:
    good, bad = downloads(api, d.trailing_garbage(b"more"))
    assert bad == good + b"more"


def test_two_members_hold_the_same(api: Api) -> None:
    good, bad = downloads(api, d.two_members())
    reader = zlib.decompressobj(wbits=31)
    first = reader.decompress(bad)
    assert reader.unused_data[:2] == b"\x1f\x8b"
    assert first.endswith(b"\n")
    assert gzip.decompress(bad) == gzip.decompress(good)


def test_files_that_are_no_gzip(api: Api) -> None:
    good, plain = downloads(api, d.plain_csv())
    assert plain == gzip.decompress(good)
    assert downloads(api, d.empty_file())[1] == b""
    assert downloads(api, d.html_file())[1].startswith(b"<!DOCTYPE html>")


def test_a_bomb_is_small_on_the_wire(api: Api) -> None:
    good, bomb = downloads(api, d.gzip_bomb(20))
    text = gzip.decompress(bomb)
    assert len(bomb) < len(good) + 200_000
    assert text == gzip.decompress(good) + bytes(20_000_000)


def test_any_change_of_the_csv_is_good_gzip(api: Api) -> None:
    good, changed = downloads(api, d.edited_csv(lambda text: b"\xef\xbb\xbf" + text, "BOM"))
    assert gzip.decompress(changed) == b"\xef\xbb\xbf" + gzip.decompress(good)
