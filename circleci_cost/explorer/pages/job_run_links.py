"""Links to example runs in CircleCI's web application, for the pages that explain something by them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from circleci_cost.model.drivers.links import job_run_name


@dataclass(frozen=True)
class RunLink:
    """A link to a job run."""

    url: str
    text: str


def run_links(urls: Iterable[str]) -> Sequence[RunLink]:
    """Links to example runs; an address that is not of our own form is none."""
    return [RunLink(url, name) for url in urls if (name := job_run_name(url)) is not None]
