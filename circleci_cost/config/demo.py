"""The built-in demo's configuration: two cost centers of the simulator, used by `demo` and where it was run.

The usage itself is the simulator's; the demo is anchored on the day it was first used, so that a later visit
finds the same history instead of a moved one.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from circleci_cost.lake.files import write_atomic
from circleci_cost.simulator.demo import ACME_ID, ACME_LABS_ID, GLOBEX_ID, GLOBEX_SLUG
from circleci_cost.simulator.infrastructure import FILE as INFRASTRUCTURE_FILE

DATA_DIRECTORY = "demo-data"
HISTORY_MONTHS = 13
_ANCHOR_FILE = "demo.json"
_PRICE = "0.0006"


def anchor(data_dir: Path, today: date) -> date:
    """The day that the demo's history ends on: the remembered one, else today."""
    path = data_dir / _ANCHOR_FILE
    return date.fromisoformat(json.loads(path.read_text())["anchor"]) if path.exists() else today


def was_run(data_dir: Path) -> bool:
    """Whether the demo was begun there."""
    return (data_dir / _ANCHOR_FILE).is_file()


def remember_anchor(data_dir: Path, day: date) -> None:
    """Keep the demo's day for later visits; an earlier one stays."""
    path = data_dir / _ANCHOR_FILE
    if not path.exists():
        write_atomic(path, json.dumps({"anchor": day.isoformat()}).encode())


def months_before(day: date, months: int) -> date:
    """The same day of the month, or the month's last one, `months` earlier."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    month += 1
    last = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
    return date(year, month, min(day.day, last))


def write_infrastructure(data_dir: Path, day: date) -> None:
    """Write the cloud costs of the demo's company where they are missing: one service moves with acme's CI cost."""
    from circleci_cost import simulator
    from circleci_cost.simulator.infrastructure import write_demo_infrastructure

    if (data_dir / INFRASTRUCTURE_FILE).exists():
        return
    scenario = simulator.demo_scenario(day)
    first, last = months_before(day, HISTORY_MONTHS), day - timedelta(days=1)
    usage = [simulator.daily_usage(scenario, each, first, last) for each in (ACME_ID, ACME_LABS_ID)]
    daily = pl.concat(usage).select("date", cost=pl.col("credits") * float(_PRICE))
    write_demo_infrastructure(data_dir, daily, first, last, scenario.seed)


def configuration(data_dir: Path, today: date) -> dict[str, Any]:
    """The demo's settings, in the form of `circleci_cost.toml`."""
    day = anchor(data_dir, today)
    new_year = date(day.year, 1, 1)
    return {
        "history_start": months_before(day, HISTORY_MONTHS),
        "cost_centers": [
            {
                "name": "acme",
                "organization_id": ACME_ID,
                "slug": "gh/acme",
                "shared_organization_ids": [ACME_LABS_ID],
                "pricing": [
                    {"price_per_credit": _PRICE, "effective_from": new_year},
                    {
                        "price_per_credit": "0.00055",
                        "effective_from": date(day.year - 2, 1, 1),
                        "effective_until": date(day.year - 1, 12, 31),
                    },
                ],
            },
            {
                "name": "globex",
                "organization_id": GLOBEX_ID,
                "slug": GLOBEX_SLUG,
                "pricing": [{"price_per_credit": "0.0006", "effective_from": date(day.year - 2, 1, 1)}],
            },
        ],
        # The day off that the simulated companies share besides the turn of the year.
        "calendar": {"closures": [date(year, 5, 1) for year in (day.year - 1, day.year)]},
        "virtual_tags": [_team()],
        "budgets": _budgets(),
        # Some dollars a day are what these companies spend.
        "anomalies": {"minimum_impact_usd": "0.1", "minimum_impact_share": "0.02"},
        "infrastructure": [{"name": "aws", "files": INFRASTRUCTURE_FILE}],
        # The simulator of the demo is asked for 13 months at once; CircleCI's own limits would take over an hour.
        "api": {"posts_per_hour": 1000, "gets_per_minute": 1000},
    }


def _team() -> dict[str, Any]:
    """Four teams by project; seats and the shared infrastructure are split among them; two projects are nobody's."""
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


def _budgets() -> list[dict[str, Any]]:
    """A budget of each period; the one of payments has been too small since its end-to-end tests doubled."""
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
