"""The section `[explorer]`: saved views, annotations, addresses to link to, and limits of the explorer's pages.

`explorer` serves the pages; reading the file of annotations is `model.reporting.annotations`' job.
"""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.config.addresses import PageAddress
from circleci_cost.sections.section import FilePath, Label, Section, refuse_repeated, unknown_name

# The first part of each page's path; that of the start page is empty.
VIEW_PAGES = ("why", "budgets", "credits", "anomalies", "teams", "classes", "waste", "infrastructure", "data")
_LONGEST_VIEW = 2000
# A path of plain parts, a query and a fragment: no host, no scheme, nothing that a browser reads as either.
_VIEW = re.compile(r"/?(?P<page>[A-Za-z0-9_-]*)(?:/[A-Za-z0-9_-]+)*(?:\?[^#]*)?(?:#[A-Za-z0-9_-]*)?")

_NEVER_IN_ONE = re.compile(r"[\s\\<>\"]")


def _view(value: str) -> str:
    """The address within the explorer, beginning with a slash."""
    if len(value) > _LONGEST_VIEW:
        raise ValueError(f"write at most {_LONGEST_VIEW} characters")
    match = _VIEW.fullmatch(value)
    if not match or value[:1] not in {"/", "?"} or not value.isprintable() or _NEVER_IN_ONE.search(value):
        raise ValueError(
            "write what follows the host in the address of one of the explorer's pages, such as "
            '"/?by=project&period=90d"'
        )
    if match["page"] and match["page"] not in VIEW_PAGES:
        raise ValueError(unknown_name(match["page"], VIEW_PAGES, "no page of the explorer"))
    return value if value.startswith("/") else f"/{value}"


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.path or parts.query or parts.fragment:
        raise ValueError("write the address without a path, such as https://ci-cost.example.com")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("there is no such port; write the one that the explorer is reached at")
    return value


class View(Section):
    """`[[explorer.views]]`: a name for an address within the explorer."""

    name: Label
    url: Annotated[str, AfterValidator(_view)]
    description: Label | None = None


class Explorer(Section):
    """`[explorer]`: what its pages show beside the published data, and how much one page may ask for.

    `public_url` is where people reach the explorer behind a proxy, `dagster_url` where they reach Dagster.
    """

    views: tuple[View, ...] = ()
    annotations: FilePath | None = None
    dagster_url: PageAddress | None = None
    public_url: Annotated[PageAddress, AfterValidator(_origin)] | None = None
    query_seconds: Annotated[int, Field(ge=1, le=600)] = 20
    max_days: Annotated[int, Field(ge=31, le=10_000)] = 1200

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_repeated(("explorer", "views"), "view", [view.name for view in self.views])
        return self
