"""Downloads: every part whole and right, or nothing."""

import gzip
import threading
from collections.abc import Callable
from typing import Any

import pytest

from circleci_cost.circleci import DownloadLimits
from circleci_cost.circleci.failures import LostAnswer, Refusal
from circleci_cost.errors import CircleciCostError, ExportDataError, SourceError, TransientSourceError
from circleci_cost.simulator.exchange import Exchange
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.circleci.harness import QUICK, SUBJECT, WINDOW, Harness, csv_part, gz
from circleci_cost_tests.simulator_faults import actions, damage
from circleci_cost_tests.simulator_faults import connection_actions as broken

PART = f"{SUBJECT}: part 2 of 3"
ONE = "/1.csv.gz"


def failed_fetch(site: Harness, action: Action, kind: type[CircleciCostError] = ExportDataError, **options: Any) -> str:
    """Land an export, then fetch again with a fault in part 2; the first export must stay as it was."""
    site.fetch(**QUICK)
    before = site.snapshot()
    fault = site.fault("download", action, times=None, path=ONE)
    with pytest.raises(kind) as caught:
        site.fetch(**QUICK | options)
    assert site.snapshot() == before
    assert fault.injected >= 1
    assert caught.value.__cause__ is None
    site.simulator.faults.clear()
    again = site.fetch(**QUICK)
    assert [part.sha256 for part in again.manifest.parts] == site.hashes
    # The job whose part failed was taken up again: only two were ever made.
    assert len(list(site.simulator.jobs)) == 2
    return str(caught.value)


DAMAGES: dict[str, tuple[Action, str]] = {
    "f029": (damage.truncated(), "is cut off after"),
    "f030": (damage.flipped_bit(8 * 300), "is damaged (its gzip checksum or structure is wrong)"),
    "f031": (damage.trailing_garbage(), "has something else behind its end"),
    "f033": (damage.empty_file(), "is empty"),
    "f034": (damage.plain_csv(), "is a plain CSV, not gzip"),
    "f035 HTML": (damage.html_file(), "is an HTML page, not gzip"),
    "f035 XML": (actions.xml_page(), "is an XML or HTML page, not gzip"),
    "f036 length too small": (broken.WrongLength(-50), "is cut off after"),
    "f037": (broken.EarlyClose(), "is cut off after"),
    "f038": (damage.gzip_bomb(12), "expands to more than 200 times its size, as no usage export does"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_f029_to_f038_a_damaged_part_is_refused_and_nothing_is_published(site: Harness, name: str) -> None:
    action, what = DAMAGES[name]
    message = failed_fetch(site, action)
    assert message.startswith(f"{PART} {what}")
    assert "; nothing of it was used." in message


@pytest.mark.parametrize(
    "action", [broken.WrongLength(50), broken.Drop(reset=True), broken.Drop("mid-body"), broken.Hang()]
)
def test_f036_a_part_that_breaks_off_is_refused_and_nothing_is_published(site: Harness, action: Action) -> None:
    assert failed_fetch(site, action, LostAnswer).startswith(f"{PART}: 127.0.0.1 ")


@pytest.mark.parametrize(
    "action", [damage.truncated(), actions.html_page(), broken.Drop("mid-body"), broken.EarlyClose()]
)
def test_a_part_that_is_damaged_once_is_loaded_again(site: Harness, action: Action) -> None:
    site.fault("download", action, path=ONE)
    assert site.landed_contents(site.fetch()) == site.contents
    assert len(site.asked("download")) == 4


def test_f032_a_part_of_two_members_is_one_part(site: Harness) -> None:
    site.fault("download", damage.two_members(), times=3)
    landed = site.fetch()
    assert site.landed_contents(landed) == site.contents
    assert [part.lines for part in landed.manifest.parts] == [41, 41, 41]


def test_f014_a_part_that_drips_in_is_given_up(site: Harness) -> None:
    class Hour:
        """An hour passes with each answer."""

        name = "slow"

        async def apply(self, exchange: Exchange) -> None:
            site.clock.sleep(3600)
            await broken.Drip(interval=60, size=400).apply(exchange)

    one_by_one = DownloadLimits(parallel=1, attempts=2)
    message = failed_fetch(site, Hour(), TransientSourceError, limits=one_by_one)
    assert message == f"{PART}: 127.0.0.1 sent only 400 bytes within 60 min; try again later."


def test_f014_headers_that_drip_in_are_given_up(site: Harness) -> None:
    brief = DownloadLimits(header_seconds=0.4, attempts=2)
    message = failed_fetch(site, broken.Drip(interval=0.05, headers_too=True), TransientSourceError, limits=brief)
    assert message == f"{PART}: 127.0.0.1 sent only 0 bytes within 0 s; try again later."


def test_f017_a_download_is_not_redirected(site: Harness) -> None:
    message = failed_fetch(site, actions.redirect("https://evil.example/?canary"), Refusal)
    assert message == f"{PART}: 127.0.0.1 redirects, which is not followed; nothing was changed, try again later."


def test_f024_expired_urls_are_renewed_and_downloaded_parts_kept(site: Harness) -> None:
    site.fault("download", actions.expired_url(), path=ONE)
    landed = site.fetch()
    assert site.landed_contents(landed) == site.contents
    assert (len(site.asked("poll")), len(site.asked("download"))) == (2, 4)
    assert f"{SUBJECT}: signed URLs have expired, asking for fresh ones." in site.watcher.messages


def test_f024_fresh_urls_in_another_order_complete_the_same_parts(site: Harness) -> None:
    site.fault("download", actions.expired_url(), path=ONE)
    site.fault("poll", actions.shuffled_urls(), after=1)
    landed = site.fetch()
    assert [part.sha256 for part in landed.manifest.parts] == site.hashes
    assert len(site.asked("download")) == 4


def test_f024_urls_that_name_other_objects_are_all_downloaded_again(site: Harness) -> None:
    def other_paths(urls: list[str]) -> list[str]:
        return [url.replace("/download/", "/download/./") for url in urls]

    site.fault("download", actions.expired_url(), path=ONE)
    site.fault("poll", actions.change_urls("other paths", other_paths))
    landed = site.fetch()
    assert [part.sha256 for part in landed.manifest.parts] == site.hashes


def test_f024_urls_that_stay_refused_end_after_five_refreshes(site: Harness) -> None:
    message = failed_fetch(site, actions.expired_url(), TransientSourceError)
    assert message == (
        f"{SUBJECT}: fresh signed URLs were refused 5 times by 127.0.0.1; nothing was changed, try again later."
    )


def test_f024_urls_that_expire_while_we_wait_are_renewed(site: Harness) -> None:
    class TwoDaysLater:
        """Two days pass before the object store looks at the URL."""

        name = "late"

        async def apply(self, exchange: Exchange) -> None:
            site.clock.sleep(48 * 3600)
            await exchange.run()

    site.fault("download", TwoDaysLater())
    assert site.landed_contents(site.fetch()) == site.contents
    assert sorted(code or 0 for code in site.asked("download"))[-1] == 403


@pytest.mark.parametrize("left", [0, 2])
def test_f024_a_fresh_list_with_fewer_parts_is_not_believed(site: Harness, left: int) -> None:
    site.fault("download", actions.expired_url(), path=ONE)
    site.fault("poll", actions.change_urls("fewer", lambda urls: urls[:left]), times=None, after=1)
    with pytest.raises(TransientSourceError) as caught:
        site.fetch()
    assert str(caught.value) == (
        f"{SUBJECT}: CircleCI named 3 parts before and {left} now, so that one would be missing; nothing was "
        "changed, run the same command again."
    )
    assert site.snapshot() == {}


def test_f025_one_of_three_parts_fails_and_nothing_is_published_or_left(site: Harness) -> None:
    site.fault("download", actions.Respond(500), times=None, path=ONE)
    with pytest.raises(TransientSourceError) as caught:
        site.fetch(**QUICK)
    assert str(caught.value) == f"{PART}: 127.0.0.1 failed (HTTP 500); try again later."
    assert not site.lake.export("acme", WINDOW.first_day, WINDOW.last_day).exists()
    assert site.snapshot() == {}


def test_f026_a_url_listed_twice_is_loaded_once_and_reported(site: Harness) -> None:
    site.fault("poll", actions.duplicate_url())
    landed = site.fetch()
    assert [part.sha256 for part in landed.manifest.parts] == site.hashes
    assert (landed.manifest.url_count, len(site.asked("download"))) == (4, 3)
    assert f"{SUBJECT}: CircleCI lists 1 of 4 URLs twice; each is loaded once." in site.watcher.messages


def test_f026_a_part_listed_under_two_urls_is_kept_once_and_reported(site: Harness) -> None:
    (site.folder / "3.csv.gz").write_bytes((site.folder / "1.csv.gz").read_bytes())
    landed = site.fetch()
    assert len(landed.manifest.parts) == 3
    assert (landed.manifest.url_count, site.landed_contents(landed)) == (4, site.contents)
    assert any(message.startswith("Two parts have the same content") for message in site.watcher.messages)


def test_f027_another_order_of_parts_gives_the_same_export(site: Harness) -> None:
    def parts() -> list[tuple[str, int]]:
        return [(part.sha256, part.lines) for part in site.fetch().manifest.parts]

    first = parts()
    site.fault("poll", actions.shuffled_urls(), times=None)
    assert parts() == first


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://169.254.169.254", "http://10.0.0.8", "https://127.0.0.1", "file://"],
)
def test_f039_if_one_url_points_to_a_forbidden_host_no_part_is_requested(site: Harness, origin: str) -> None:
    site.fault("poll", actions.change_urls("one foreign", _third_moved(origin)))
    with pytest.raises(SourceError, match="The URL of part 3 of 3 of a usage export of acme") as caught:
        site.fetch()
    assert (site.asked("download"), site.snapshot()) == ([], {})
    assert "signature" not in str(caught.value)


def _third_moved(origin: str) -> Callable[[list[str]], list[str]]:
    return lambda urls: [*urls[:2], origin + "/download" + urls[2].split("/download")[1]]


def test_f040_names_in_urls_are_never_names_of_files(site: Harness) -> None:
    site.fault("poll", actions.climbing_urls(), times=None)
    with pytest.raises(TransientSourceError):
        site.fetch(limits=DownloadLimits(url_refreshes=1))
    site.simulator.faults.clear()
    # An object store may well serve such a path: it lands under our name all the same.
    site.fault("poll", actions.climbing_urls())
    site.fault("download", actions.Respond(200, gz(csv_part(7))), times=3)
    site.fault("unknown", actions.Respond(200, gz(csv_part(7))), times=3)
    landed = site.fetch()
    assert [path.name for path in landed.part_paths()] == [f"part-0000-{landed.manifest.export_id[:8]}.csv.gz"]
    assert {path.parent for path in site.lake.root.rglob("*.gz")} == {landed.directory}


def test_four_parts_are_loaded_at_once_and_no_more(site: Harness) -> None:
    for number in range(3, 10):
        (site.folder / f"{number}.csv.gz").write_bytes(gz(csv_part(number)))
    lock, now, most = threading.Lock(), 0, 0
    hang = broken.Hang()

    class Counted:
        name = "counted"

        async def apply(self, exchange: Exchange) -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
                if now == 4:
                    hang.release()
            await hang.apply(exchange)
            with lock:
                now -= 1

    site.fault("download", Counted(), times=None)
    assert site.landed_contents(site.fetch()) == site.contents
    assert most == 4


def test_a_large_part_reports_its_progress(site: Harness) -> None:
    content = bytes(range(256)) * 16
    big = b"".join(gzip.compress(content + bytes([number % 251]) * 3, 0, mtime=0) for number in range(800))
    (site.folder / "0.csv.gz").write_bytes(big)
    site.fetch()
    reports = [part for part in site.watcher.parts if part[2] == 1]
    assert len(reports) == 4
    assert reports == sorted(reports)
    assert reports[-1] == (len(big), len(big), 1, 3)


def test_leftovers_of_a_killed_run_are_removed(site: Harness) -> None:
    directory = site.lake.export("acme", WINDOW.first_day, WINDOW.last_day)
    directory.mkdir(parents=True)
    (directory / ".tmp-0123456789ab").write_bytes(b"half")
    (directory / "part-0000-deadbeef.csv.gz").write_bytes(b"no manifest names it")
    landed = site.fetch()
    assert {path.name for path in directory.iterdir()} == {
        "manifest.json",
        *(part.name for part in landed.manifest.parts),
    }
