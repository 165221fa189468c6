"""A small customer of CircleCI for the tests of the pipeline, and a source whose exports tests can edit."""

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from circleci_cost.simulator import Job, Organization, Project, Scenario, Workflow, generate
from circleci_cost.simulator.parts import write_parts
from circleci_cost.simulator.sources import ExportKey

# Long past, and so within Dagster's own daily partitions whenever the tests run.
NOW = datetime(2024, 3, 12, 12, tzinfo=UTC)
YESTERDAY = date(2024, 3, 11)
PAYING = "11111111-1111-4111-8111-111111111111"
SHARED = "22222222-2222-4222-8222-222222222222"
OTHER = "33333333-3333-4333-8333-333333333333"
WEB = "aaaaaaaa-0000-4000-8000-000000000001"
API = "aaaaaaaa-0000-4000-8000-000000000002"
SHOP = "aaaaaaaa-0000-4000-8000-000000000003"

_FOUNDED = date(2019, 1, 1)
_DELIVERY = Workflow(
    "build-and-test",
    (
        Job("lint", 60, "small"),
        Job("unit-tests", 240, "large", parallelism=4),
        Job("build-image", 300, "large", "machine", stage=1, docker_layer_caching=True),
        Job("on-premises", 200, "initech/runner", "runner", stage=1),
        Job("deploy", 90, stage=2, ip_ranges=True),
    ),
)
_NIGHTLY = Workflow("nightly", (Job("prepare", 75), Job("end-to-end", 900, "xlarge", stage=1)), scheduled=True)


def scenario(jobs_per_day: float = 24.0, *, web: str = "web", renamed: tuple[tuple[date, str], ...] = ()) -> Scenario:
    """One plan of two organizations (PAYING, SHARED), and OTHER apart; the project `web` may be renamed."""
    first = Project(WEB, web, _FOUNDED, (_DELIVERY, _NIGHTLY), 2.0, renamed=renamed)
    second = Project(API, "api", _FOUNDED, (_DELIVERY,))
    third = Project(SHOP, "shop", _FOUNDED, (_DELIVERY,))
    return Scenario(
        (
            Organization(PAYING, "initech", "gh/initech", _FOUNDED, (first, second), jobs_per_day, extra_seats=2),
            Organization(
                SHARED,
                "initech-labs",
                "gh/initech-labs",
                _FOUNDED,
                (second,),
                jobs_per_day / 3,
                shares_plan_of=PAYING,
            ),
            Organization(OTHER, "hooli", "circleci/Abc123", _FOUNDED, (third,), jobs_per_day / 3),
        )
    )


Edit = Callable[[pl.DataFrame, ExportKey], pl.DataFrame]


class EditedSource:
    """Serves a scenario's exports after `edit` has changed their rows; `edit` may be replaced at any time."""

    def __init__(self, of: Scenario, edit: Edit) -> None:
        self.scenario = of
        self.edit = edit
        self._folder = Path(tempfile.mkdtemp(prefix="edited-exports-"))
        weakref.finalize(self, shutil.rmtree, self._folder)
        self._made: dict[ExportKey, list[Path]] = {}
        self._lock = threading.Lock()

    @property
    def organizations(self) -> Sequence[Organization]:
        """The scenario's organizations."""
        return self.scenario.organizations

    def files(self, key: ExportKey) -> list[Path]:
        """Write an export once; a second call gives the same bytes."""
        with self._lock:
            if key not in self._made:
                rows = generate(self.scenario, key.organization_ids, key.first_day, key.last_day, key.as_of)
                frames = [frame for frame in (self.edit(each, key) for each in rows) if frame.height]
                folder = self._folder / str(len(self._made))
                self._made[key] = write_parts(folder, frames, parts=2, dialect="unquoted")
            return self._made[key]
