"""Reading changes nothing on disk, keeps nobody from publishing, and survives whatever happens to what is published."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.explorer.pages import PAGES
from circleci_cost.lake.layout import open_lake
from circleci_cost_tests import earlier_versions
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.routes import READING
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import small_folder
from circleci_cost_tests.explorer.test_one_generation import publish_twice

ROWS = [{"date": date(2026, 3, day), "project": "web", "compute": 100} for day in range(1, 19)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving(small_folder(tmp_path, ROWS)) as site:
        yield site
        assert site.take_bugs() == []


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder with its mode, size and time of change."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def pointer(site: Site) -> Path:
    return open_lake(site.settings.data_dir).published / "current.json"


def generation(site: Site) -> Path:
    (folder,) = [path for path in pointer(site).parent.iterdir() if path.is_dir()]
    return folder


def total(site: Site) -> httpx.Response:
    return httpx.get(f"{site.origin}/api/report", timeout=30)


def test_no_page_writes_anything_and_files_that_nobody_may_write_are_enough(site: Site, tmp_path: Path) -> None:
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        before = tree(tmp_path)
        with httpx.Client(base_url=site.origin, timeout=30) as client:
            statuses = {path: client.get(path).status_code for path in READING}
        assert tree(tmp_path) == before
        assert set(statuses.values()) <= {200, 303, 400}
        assert [status for status in statuses.values() if status == 200]
        assert not [name for name in before if name.endswith((".tmp", ".wal"))]
    finally:
        for path in [tmp_path, *tmp_path.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_page_that_is_open_holds_no_lock_that_a_publication_needs(site: Site) -> None:
    with site.explorer.snapshots.take(site.settings):
        publish_twice(site)
    assert not list(open_lake(site.settings.data_dir).published.rglob("*.wal"))
    assert total(site).status_code == 200


def _without_folder(site: Site) -> None:
    generation(site).rename(site.settings.data_dir / "away")


def _without_manifest(site: Site) -> None:
    (generation(site) / "manifest.json").rename(site.settings.data_dir / "away")


def _with_other_words(site: Site) -> None:
    shutil.copy(pointer(site), site.settings.data_dir / "away")
    pointer(site).write_text('{"generation": ')


def _with_a_way_out(site: Site) -> None:
    shutil.copy(pointer(site), site.settings.data_dir / "away")
    pointer(site).write_text('{"generation": "../../../../etc"}')


def _without_pointer(site: Site) -> None:
    pointer(site).rename(site.settings.data_dir / "away")


@pytest.mark.parametrize(
    ("harm", "place"),
    [
        (_without_folder, generation),
        (_without_manifest, lambda site: generation(site) / "manifest.json"),
        (_with_other_words, pointer),
        (_with_a_way_out, pointer),
        (_without_pointer, pointer),
    ],
)
def test_what_is_taken_away_is_a_sentence_until_it_is_back(
    site: Site, harm: Callable[[Site], None], place: Callable[[Site], Path]
) -> None:
    before = total(site).content
    whole = place(site)
    harm(site)
    with httpx.Client(base_url=site.origin, timeout=30) as client:
        for path in READING:
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert "Traceback" not in answer.text
            assert "names no readable generation" in answer.text or "Nothing is published" in answer.text
    (site.settings.data_dir / "away").replace(whole)
    assert total(site).content == before


def test_a_table_that_is_damaged_is_a_sentence_until_there_is_a_new_generation(site: Site) -> None:
    (path,) = generation(site).glob("dimension_values.*.parquet")
    path.write_bytes(b"nothing of a table" * 1000)
    answer = total(site)
    assert answer.status_code == 503
    assert "Run `circleci-cost doctor`, which says what makes a new one" in answer.json()["error"]
    publish_twice(site)
    assert total(site).status_code == 200


@pytest.mark.parametrize("name", sorted(earlier_versions.COMMITS))
def test_a_generation_of_an_earlier_version_has_pages_or_sentences(name: str, tmp_path: Path) -> None:
    earlier_versions.unpack(name, tmp_path)
    settings = read_settings(tmp_path / "circleci_cost.toml", ManualClock(NOW))
    with serving(settings) as site, httpx.Client(base_url=site.origin, timeout=30) as client:
        answers = {path: client.get(path) for path in (*(page.path for page in PAGES), "/api/report")}
        assert {answer.status_code for answer in answers.values()} <= {200, 303, 400, 503}
        assert answers["/"].status_code == 200
        assert answers["/api/report"].status_code == 200
        for answer in answers.values():
            assert "Traceback" not in answer.text
        assert site.take_bugs() == []


def test_two_thousand_requests_leave_no_connection_and_no_thread_behind(site: Site) -> None:
    count = 2000 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 60
    with httpx.Client(base_url=site.origin, timeout=30) as client:
        for number in range(count):
            client.get(READING[number % len(READING)])
            if number == len(READING):
                before = _open_files()
    assert _open_files() <= before + 2
    assert site.explorer.snapshots.running == frozenset()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
