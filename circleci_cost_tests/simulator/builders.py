"""Small scenarios and windows for the simulator's tests."""

import csv
import gzip
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from circleci_cost.simulator import Event, Job, Organization, Project, Scenario, Workflow, generate

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 22), date(2026, 11, 15)
PAYING = "11111111-1111-4111-8111-111111111111"
SHARED = "22222222-2222-4222-8222-222222222222"
OTHER = "33333333-3333-4333-8333-333333333333"
NULL = r"\N"

DELIVERY = Workflow(
    "build-and-test",
    (
        Job("lint", 60, "small"),
        Job("unit-tests", 240, "large", parallelism=4),
        Job("build-image", 300, "large", "machine", stage=1, docker_layer_caching=True),
        Job("on-premises", 200, "initech/runner", "runner", stage=1),
        Job("deploy", 90, stage=2, ip_ranges=True),
    ),
)
NIGHTLY = Workflow("nightly", (Job("prepare", 75), Job("end-to-end", 900, "xlarge", stage=1)), scheduled=True)


def scenario(*events: Event, jobs_per_day: float = 300.0, seats: int = 2, seed: int = 1) -> Scenario:
    """Return one plan of two organizations, and a third one apart."""
    web = Project("aaaaaaaa-0000-4000-8000-000000000001", "web", date(2020, 1, 1), (DELIVERY, NIGHTLY), 2.0)
    api = Project(
        "aaaaaaaa-0000-4000-8000-000000000002",
        "api",
        date(2020, 1, 1),
        (DELIVERY,),
        renamed=((date(2026, 11, 1), "gateway, new"),),
    )
    founded = date(2019, 1, 1)
    return Scenario(
        organizations=(
            Organization(PAYING, "initech", "gh/initech", founded, (web, api), jobs_per_day, extra_seats=seats),
            Organization(SHARED, "initech-labs", "gh/initech-labs", founded, (web,), 20.0, shares_plan_of=PAYING),
            Organization(OTHER, "hooli", "circleci/Abc123", founded, (web,), 20.0),
        ),
        events=events,
        seed=seed,
    )


def rows(
    of: Scenario,
    organization: str = PAYING,
    first: date = FIRST,
    last: date = LAST,
    as_of: datetime = NOW,
) -> pl.DataFrame:
    """Return the rows of a window as one frame."""
    return pl.concat(generate(of, [organization], first, last, as_of))


def read_unquoted(text: bytes) -> list[list[str]]:
    """Read the unquoted dialect with Python's csv module; null is `\\N` in the result."""
    marked = [line.replace(r"\\N", "\x00") for line in re.split(r"(?<!\\)\n", text.decode())[:-1]]
    fields = [next(csv.reader([line], quoting=csv.QUOTE_NONE, escapechar="\\")) for line in marked]
    return [[value.replace("\x00", NULL) for value in row] for row in fields]


def read_quoted(text: bytes) -> list[list[str]]:
    """Read the quoted dialect with Python's csv module."""
    return list(csv.reader(text.decode().splitlines(keepends=True), strict=True))


def read_parts(paths: Iterable[Path]) -> list[dict[str, str]]:
    """Read parts of the unquoted dialect."""
    records = []
    for path in paths:
        header, *values = read_unquoted(gzip.decompress(path.read_bytes()))
        records += [dict(zip(header, row, strict=True)) for row in values]
    return records
