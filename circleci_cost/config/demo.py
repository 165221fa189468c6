"""The built-in demo's configuration: two cost centers, used by `demo` and where it was run.

The simulator generates the usage, with organizations, prices and file names from here. The demo is anchored to the day
of its first use, so that a later visit finds the same history.
"""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from circleci_cost.days import HISTORY_MONTHS, months_later
from circleci_cost.lake.files import write_atomic

DATA_DIRECTORY = "demo-data"
INFRASTRUCTURE_FILE = "infrastructure.focus.csv.gz"
DECISIONS_FILE, ANNOTATIONS_FILE, USERS_FILE = "decisions.csv", "annotations.csv", "users.csv"
ACME_ID, ACME_SLUG = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04", "gh/acme"
ACME_LABS_ID = "5d3c2f7e-84b1-4a6f-b0d9-71e6c9a4f812"
GLOBEX_ID, GLOBEX_SLUG = "e07a41c6-2b9d-4f35-8c7e-93d5b6a0f1c8", "circleci/Kq7ZtVw3pXm9RcYd2hNbLf"
PRICE, EARLIER_PRICE = Decimal("0.0006"), Decimal("0.00055")
_ANCHOR_FILE = "demo.json"


def anchor(data_dir: Path, today: date) -> date:
    """The day on which the demo's history ends: the remembered one, else today."""
    path = data_dir / _ANCHOR_FILE
    return date.fromisoformat(json.loads(path.read_text())["anchor"]) if path.exists() else today


def was_run(data_dir: Path) -> bool:
    """Whether the demo was started in this data directory."""
    return (data_dir / _ANCHOR_FILE).is_file()


def remember_anchor(data_dir: Path, day: date) -> None:
    """Keep the demo's day for later visits; a remembered one is not changed."""
    path = data_dir / _ANCHOR_FILE
    if not path.exists():
        write_atomic(path, json.dumps({"anchor": day.isoformat()}).encode())


def new_prices(day: date) -> date:
    """The first day on which acme pays `PRICE`, for a demo that ends on `day`; before, it paid `EARLIER_PRICE`."""
    return date(day.year, 1, 1)


def configuration(data_dir: Path, today: date) -> dict[str, Any]:
    """The demo's settings, in the form of `circleci_cost.toml`."""
    day = anchor(data_dir, today)
    return {
        "history_start": months_later(day, -HISTORY_MONTHS),
        "cost_centers": [
            {
                "name": "acme",
                "organization_id": ACME_ID,
                "slug": ACME_SLUG,
                "shared_organization_ids": [ACME_LABS_ID],
                "pricing": [
                    {"price_per_credit": PRICE, "effective_from": new_prices(day)},
                    {
                        "price_per_credit": EARLIER_PRICE,
                        "effective_from": date(day.year - 2, 1, 1),
                        "effective_until": new_prices(day) - timedelta(days=1),
                    },
                ],
                **_credits(day),
            },
            {
                "name": "globex",
                "organization_id": GLOBEX_ID,
                "slug": GLOBEX_SLUG,
                "pricing": [{"price_per_credit": PRICE, "effective_from": date(day.year - 2, 1, 1)}],
            },
        ],
        # A day off of the simulated companies, besides the turn of the year.
        "calendar": {"closures": [date(year, 5, 1) for year in (day.year - 1, day.year)]},
        "virtual_tags": [_team()],
        "budgets": _budgets(),
        # These companies spend only some dollars a day.
        "anomalies": {
            "minimum_impact_usd": "0.1",
            "minimum_impact_share": "0.02",
            **_if_there("decisions", data_dir / DECISIONS_FILE),
        },
        "actors": _if_there("trigger_user_names", data_dir / USERS_FILE),
        "explorer": {"views": _views(), **_if_there("annotations", data_dir / ANNOTATIONS_FILE)},
        "infrastructure": [{"name": "aws", "files": INFRASTRUCTURE_FILE}],
        # The demo fetches 13 months at once; within CircleCI's own limits that would take over an hour.
        "api": {"posts_per_hour": 1000, "gets_per_minute": 1000},
    }


def _if_there(key: str, file: Path) -> dict[str, str]:
    """A key that names a file of the data directory; a demo of an earlier version has none."""
    return {key: file.name} if file.exists() else {}


def _views() -> list[dict[str, str]]:
    return [
        {"name": "Teams, 13 months", "url": "/?by=team&period=all"},
        {"name": "Longest jobs", "url": "/?by=job&metric=minutes&period=90d"},
        {"name": "Dearest runs, by job", "url": "/?by=job&metric=cost_per_run&sort=value"},
        {"name": "Classes of macOS", "url": "/?by=resource_class&where=executor=macos&period=90d"},
    ]


def _team() -> dict[str, Any]:
    """Four teams by project; seats and shared infrastructure are split among them; two projects have no team."""
    projects = {
        "web": ["web-app", "docs", "storefront", "design-system"],
        "payments": ["payments-api", "billing"],
        "data": ["data-platform", "search", "warehouse-sync", "reporting"],
        "mobile": ["mobile-app", "sdk"],
    }
    teams = list(projects)
    return {
        "name": "team",
        "min_coverage": "0.9",
        "rules": [
            {"name": "seats", "value": "seats", "where": {"charge_type": "user"}},
            {"name": "shared infrastructure", "value": "platform", "where": {"project": "infrastructure"}},
            *({"name": name, "value": name, "where": {"project": owned}} for name, owned in projects.items()),
        ],
        "splits": [
            {"value": "platform", "method": "telemetry", "by": "minutes", "among": teams},
            {"value": "seats", "method": "telemetry", "by": "users", "among": teams},
        ],
    }


def _credits(day: date) -> dict[str, Any]:
    """What acme bought: tranches that will be used up before the next one, and an invoice with a small difference.

    globex has written nothing down, as most will at first.
    """
    month = day.replace(day=1)
    refilled, allocated = months_later(month, -1), months_later(month, -3)
    return {
        "purchases": [
            # What was left on the first day of the history.
            {"date": months_later(day, -HISTORY_MONTHS), "credits": 8_000_000, "usd": 4400},
            {"date": refilled + timedelta(days=11), "credits": 1_000_000, "usd": 600, "kind": "refill"},
        ],
        "plan": {
            "allocations": [
                {
                    "first": months_later(allocated, -6),
                    "every_months": 6,
                    "count": 4,
                    "credits": 9_000_000,
                    "usd": 5400,
                }
            ],
            "allowances": [{"credits": 30_000, "from": months_later(day, -HISTORY_MONTHS)}],
        },
        "invoices": [
            {"period": f"{allocated:%Y-%m}", "amount": 5400, "number": "INV-2087"},
            {"period": f"{refilled:%Y-%m}", "amount": 725, "number": "INV-2203", "lines": {"tax": 114}},
        ],
    }


def _budgets() -> list[dict[str, Any]]:
    """A budget of each period; that of payments has been too small since its end-to-end tests doubled."""
    return [
        {"name": "engineering", "amount": 1800},
        {"name": "payments", "parent": "engineering", "amount": 150, "where": {"team": "payments"}},
        {"name": "mobile", "parent": "engineering", "amount": 400, "where": {"team": "mobile"}},
        {"name": "web weekly", "period": "week", "amount": 190, "where": {"team": "web"}},
        {"name": "data quarterly", "period": "quarter", "amount": 2100, "where": {"team": "data"}},
        {
            "name": "acme credits without seats",
            "unit": "credits",
            "amount": 3_000_000,
            "seats": False,
            "where": {"cost_center": "acme"},
        },
    ]
