"""The usage of the built-in demo: two cost centers, thirteen months, one event of each kind and more.

The ids of organizations and projects never change; only the labelled events move with the day of the demo. The
configuration of the demo stands in `config.demo`.
"""

from datetime import date, timedelta
from uuid import UUID, uuid5

from circleci_cost.config.demo import (
    ACME_ID,
    ACME_LABS_ID,
    ACME_SLUG,
    EARLIER_PRICE,
    GLOBEX_ID,
    GLOBEX_SLUG,
    PRICE,
    new_prices,
)
from circleci_cost.simulator.scenario import Event, EventKind, Job, Organization, Project, Scenario, Workflow


def demo_scenario(today: date, seed: int = 1) -> Scenario:
    """Return about 130,000 jobs in the 13 months before `today`.

    Cost center `acme` is ACME_ID, whose plan ACME_LABS_ID shares; `globex` is GLOBEX_ID alone.
    """
    return Scenario(organizations=(_acme(today), _acme_labs(), _globex()), events=_events(today), seed=seed)


def _events(today: date) -> tuple[Event, ...]:
    """Return the labelled events; those of a single day fall on working days."""

    def ago(days: int) -> date:
        day = today - timedelta(days=days)
        return day - timedelta(days=max(0, day.weekday() - 3))

    return (
        Event(EventKind.SPIKE, "acme", ago(10), 5.0, ago(10), "web-app", "build-and-test"),
        Event(EventKind.LEVEL_SHIFT, "acme", ago(45), 2.0, None, "payments-api", "end-to-end"),
        Event(EventKind.DRIFT, "acme", ago(150), 1.8, ago(30), "data-platform", "nightly", "train-model"),
        Event(
            EventKind.RESOURCE_CLASS_CHANGE,
            *("acme", ago(75), 2.0, None, "mobile-app", "build-and-test", "build-ios"),
            resource_class="m4pro.large",
        ),
        Event(EventKind.PRICE_CHANGE, "acme", new_prices(today), float(PRICE / EARLIER_PRICE)),
        Event(EventKind.OUTAGE, "globex", ago(62), 0.0, ago(62)),
        Event(EventKind.SPIKE, "globex", ago(24), 6.0, ago(23), "storefront", "build-and-test", "unit-tests"),
        Event(EventKind.LEVEL_SHIFT, "globex", ago(110), 0.6, None, "warehouse-sync"),
    )


def _acme(today: date) -> Organization:
    """Return the paying organization of the first cost center."""
    gpu = Job("train-model", 600, "gpu.nvidia.small.multi", "machine", stage=1)
    android = Job("build-android", 660, "xlarge", vcpus_used=7.7, ram_gb_used=8.5)
    features = Job("prepare-features", 400, "large", vcpus_used=0.9, ram_gb_used=5.2)
    ios = Job("build-ios", 420, "m4pro.medium", "macos", "macos", vcpus_used=2.4, ram_gb_used=9)
    runner = Job("integration-on-premises", 600, "acme/linux-runner", "runner")
    return Organization(
        id=ACME_ID,
        name="acme",
        slug=ACME_SLUG,
        created=date(2019, 3, 11),
        projects=(
            _project("web-app", 3.0, _delivery(), _nightly("end-to-end", 900, "large", parallelism=4)),
            _project("payments-api", 2.0, _delivery(ip_ranges=True), _nightly("end-to-end", 780, "large")),
            _project("mobile-app", 1.2, _delivery(android, ios)),
            _project(
                "data-platform",
                1.5,
                _delivery(),
                Workflow(
                    "nightly",
                    (features, gpu),
                    scheduled=True,
                ),
            ),
            _project("infrastructure", 0.8, _delivery(runner), _nightly("drift-detection", 240, "small")),
            _project("docs", 0.5, Workflow("lint", (Job("lint-docs", 45, "small"), Job("build-docs", 120)))),
            _project("search", 1.0, _delivery(), _nightly("reindex", 1800, "xlarge", vcpus_used=1.4, ram_gb_used=4.0)),
            _project("legacy-billing", 0.4, _delivery(), renamed=((today - timedelta(days=90), "billing"),)),
        ),
        jobs_per_day=190.0,
        growth=0.25,
        extra_seats=3,
        users=24,
    )


def _acme_labs() -> Organization:
    """Return the organization that shares acme's plan."""
    windows = Job("test-windows", 500, "windows.medium", "machine", "windows")
    return Organization(
        id=ACME_LABS_ID,
        name="acme-labs",
        slug="gh/acme-labs",
        created=date(2022, 6, 2),
        projects=(
            _project("prototype-vision", 1.0, _delivery(Job("test-arm", 300, "arm.large", "machine"))),
            _project("sdk", 1.4, _delivery(windows), _nightly("compatibility", 500, "medium")),
            _project("playground", 0.4, _delivery()),
        ),
        jobs_per_day=50.0,
        growth=0.1,
        users=8,
        shares_plan_of=ACME_ID,
    )


def _globex() -> Organization:
    """Return the second cost center: a standalone organization of CircleCI's own type."""
    return Organization(
        id=GLOBEX_ID,
        name="globex",
        slug=GLOBEX_SLUG,
        created=date(2023, 9, 18),
        projects=(
            _project("storefront", 2.0, _delivery(), _nightly("end-to-end", 840, "large", parallelism=2)),
            _project("warehouse-sync", 1.2, _delivery(), _nightly("full-sync", 1200, "medium")),
            _project("reporting", 0.8, _delivery(), _nightly("refresh", 600, "large")),
            _project("design-system", 0.6, _delivery()),
        ),
        jobs_per_day=85.0,
        growth=0.15,
        extra_seats=1,
        users=10,
    )


def _delivery(*more: Job, ip_ranges: bool = False) -> Workflow:
    """Return the workflow of a push: checks, tests, an image, a deployment."""
    image = Job(
        "build-image",
        300,
        "large",
        "machine",
        stage=1,
        docker_layer_caching=True,
        vcpus_used=1.1,
        ram_gb_used=3.1,
    )
    return Workflow(
        "build-and-test",
        (
            Job("lint", 60, "small"),
            Job("unit-tests", 240, "large", parallelism=4, vcpus_used=3.7, ram_gb_used=4.4),
            *more,
            image,
            Job("deploy", 90, "medium", stage=2, ip_ranges=ip_ranges),
        ),
    )


def _nightly(
    name: str,
    seconds: int,
    resource_class: str,
    parallelism: int = 1,
    *,
    vcpus_used: float | None = None,
    ram_gb_used: float | None = None,
) -> Workflow:
    """Return a scheduled workflow."""
    main = Job(
        name,
        seconds,
        resource_class,
        parallelism=parallelism,
        stage=1,
        vcpus_used=vcpus_used,
        ram_gb_used=ram_gb_used,
    )
    return Workflow(
        name,
        (Job("prepare", 75), main),
        scheduled=True,
    )


def _project(name: str, weight: float, *workflows: Workflow, renamed: tuple[tuple[date, str], ...] = ()) -> Project:
    """Return a project whose id comes from its first name."""
    return Project(
        id=str(uuid5(UUID(ACME_ID), name)),
        name=name,
        created=date(2024, 1, 15),
        workflows=workflows,
        weight=weight,
        default_branch="master" if name.startswith("legacy") else "main",
        renamed=renamed,
    )
