"""The process that runs the pipeline is killed with SIGKILL at its worst moments; a fresh one finishes (f080–f086).

Each run begins with days that are published already and restates them, so a crash could lose, double or mix
something. After the kill, what is published is whole: the former state or the new one. After another run, all tables
equal those of a run that nobody killed. Each process is killed a moment later than the one before it, whose work it
takes up; with CIRCLECI_COST_LONG=1 each moment, and many more, is tried alone, and a fresh process finishes at once.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.files import ABANDONED_AFTER_SECONDS
from circleci_cost.lake.layout import Lake
from circleci_cost_tests.faults.kill_points import KillPoint
from circleci_cost_tests.pipeline.harness import COSTS, Site, assert_equal_contents, contents, initech, running, utc
from circleci_cost_tests.pipeline.processes import Task, ended, start, work
from circleci_cost_tests.pipeline.scenarios import NOW, YESTERDAY

BEFORE = utc(2024, 3, 10, 12)
FIRST = date(2024, 3, 8)
DAY = r"job_runs/.*/data\.parquet$"
POINTER = r"published/current\.json$"
GENERATION = r"published/[^/]+/manifest\.json$"
LANDED = r"exports/.*/manifest\.json$"

POINTS = {
    "f080 after the POST, before its answer is noted": KillPoint("after request", "^POST"),
    "f081 while polling": KillPoint("after request", "^GET .*usage_export_job", 3),
    "f082 in mid-download of the second part": KillPoint("mid-download", "/download/", 2),
    "f083 all parts in place, the manifest not yet": KillPoint("before rename", LANDED),
    "f083 landed, nothing parsed": KillPoint("after rename", LANDED),
    "f085 the restatement recorded, its day not yet": KillPoint("after rename", r"restatements/", 1),
    "f084 in mid-write of the second day": KillPoint("half written", r"job_runs/.*data\.parquet$", 2),
    "f085 the second day written and not yet renamed": KillPoint("before rename", DAY, 2),
    "f086 after the last day's rename, before Dagster's event": KillPoint("after rename", DAY, 4),
    "in the transaction of daily_costs, after the delete": KillPoint("before sql", "INSERT INTO daily_costs"),
    "in the transaction of daily_costs, after the insert": KillPoint("after sql", "INSERT INTO daily_costs"),
    "in mid-write of a generation": KillPoint("after sql", "^COPY"),
    "f085 a generation written, the pointer not yet renamed": KillPoint("before rename", POINTER),
    "f086 after the pointer's rename, before Dagster's event": KillPoint("after rename", POINTER),
}
LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
# As far as each killed process comes on the work of those before it: two of the four days are left at the end.
ONE_AFTER_ANOTHER = POINTS | {
    "f086 after the last day's rename, before Dagster's event": KillPoint("after rename", DAY, 2),
}
if LONG:
    MORE = [
        *(KillPoint("before rename", "", nth) for nth in range(1, 25)),
        *(KillPoint("after rename", "", nth) for nth in range(1, 25)),
        *(KillPoint("half written", "", nth) for nth in range(1, 8)),
        *(KillPoint("after request", "", nth) for nth in range(1, 7)),
        *(KillPoint("before sql", "", nth) for nth in range(1, 60, 2)),
        *(KillPoint("after sql", "", nth) for nth in range(2, 60, 2)),
    ]
    POINTS |= {str(point): point for point in MORE}


@dataclass
class Crashes:
    """A simulator whose clock stands at NOW, a data directory from two days ago, and what it should become."""

    site: Site
    before: dict[str, pl.DataFrame]
    after: dict[str, pl.DataFrame]
    data: Path

    def fresh(self, folder: Path) -> Task:
        """A copy of the former data directory, and the run that is due."""
        folder.mkdir()
        shutil.copytree(self.data, folder / "data")
        configuration = Path(shutil.copy(self.site.configuration, folder))
        return Task(configuration, NOW, "initech", FIRST, YESTERDAY, COSTS)


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    folder = tmp_path_factory.mktemp("crashes")
    with running(folder, now=BEFORE) as site:
        site.materialize(COSTS, "initech", date(2024, 3, 6), date(2024, 3, 9))
        before = contents(site.lake, initech())
        data = folder / "before"
        shutil.copytree(site.lake.root, data)
        site.advance_to(NOW)
        site.simulator.jobs.polls = 3
        site.materialize(COSTS, "initech", FIRST, YESTERDAY)
        yield Crashes(site, before, contents(site.lake, initech()), data)


def _published(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: frame for name, frame in tables.items() if not name.startswith("job_runs")}


def _killed(task: Task, point: KillPoint, crashes: Crashes) -> int | None:
    """Run a task until it kills itself; what is published then is whole. Return its exit code."""
    code = ended(start(work, task, point.arm))
    published = _published(contents(Lake(task.configuration.parent / "data"), initech()))
    known = [_published(crashes.before), _published(crashes.after)]
    assert any(all(published[name].equals(tables[name]) for name in tables) for tables in known)
    return code


def test_f080_to_f086_killed_at_one_moment_after_another_and_finished(crashes: Crashes, tmp_path: Path) -> None:
    task = crashes.fresh(tmp_path / "site")
    lake = Lake(task.configuration.parent / "data")
    crashes.site.simulator.log.clear()
    for name, point in ONE_AFTER_ANOTHER.items():
        assert _killed(task, point, crashes) == -signal.SIGKILL, name
        if name == "f083 landed, nothing parsed":
            # The job that was made is taken up; only the POST whose answer was lost has been sent again.
            assert len(crashes.site.simulator.log.of("create")) == 2
    # The first writer of a manifest, of a day and of a part: temporary files that may be somebody's work still.
    assert len(list(lake.root.rglob(".tmp-*"))) >= 3
    long_ago = time.time() - ABANDONED_AFTER_SECONDS - 1
    for path in lake.root.rglob(".tmp-*"):
        os.utime(path, (long_ago, long_ago))

    assert ended(start(work, task)) == 0
    assert_equal_contents(contents(lake, initech()), crashes.after)
    columns = ["date", "jobs_added", "jobs_removed", "jobs_changed", "credits_added"]
    recorded = read_restatements(lake, ["initech"]).select(columns).sort(columns).rows()
    assert recorded == crashes.site.table("usage_restatements").select(columns).sort(columns).rows()
    assert [str(path.relative_to(lake.root)) for path in lake.root.rglob(".tmp-*")] == []


@pytest.mark.skipif(not LONG, reason="minutes; one moment after another is tried; CIRCLECI_COST_LONG=1")
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_f080_to_f086_killed_and_finished_by_a_fresh_process(
    crashes: Crashes, tmp_path: Path, point: KillPoint
) -> None:
    task = crashes.fresh(tmp_path / "site")
    crashes.site.simulator.log.clear()
    code = _killed(task, point, crashes)
    if code == 0 and not point.match:
        pytest.skip("there are fewer such moments in this run")
    assert code == -signal.SIGKILL
    assert ended(start(work, task)) == 0
    assert_equal_contents(contents(Lake(task.configuration.parent / "data"), initech()), crashes.after)
    if point.what in ("after request", "mid-download") and point.match:
        assert len(crashes.site.simulator.log.of("create")) == (2 if point.match == "^POST" else 1)


def test_the_clock_of_a_fresh_process_may_be_later(crashes: Crashes, tmp_path: Path) -> None:
    """A day later the export that the killed process had landed is still used, and the next days are added."""
    task = crashes.fresh(tmp_path / "site")
    lake = Lake(task.configuration.parent / "data")
    assert ended(start(work, task, POINTS["f083 landed, nothing parsed"].arm)) == -signal.SIGKILL
    later = Task(task.configuration, NOW + timedelta(hours=1), "initech", FIRST, YESTERDAY, COSTS[2:])
    assert ended(start(work, later)) == 0
    recorded = contents(lake, initech())
    assert_equal_contents(
        {name: recorded[name] for name in ("daily_costs", "job_runs initech")},
        {name: crashes.after[name] for name in ("daily_costs", "job_runs initech")},
    )
