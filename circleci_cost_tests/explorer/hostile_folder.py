"""A published folder in which everything that has a name has a hostile one."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from circleci_cost.config.budget_definitions import all_budgets
from circleci_cost.config.settings import Settings
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.budgets.budget_status import write_budget_status
from circleci_cost.warehouse.forecast.cost_forecast import write_forecasts
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.small_folder import small_folder
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

ORDINARY = "web"
LONG = "long" * 2500
NAMES = (
    ORDINARY,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "=cmd|' /C calc'!A0",
    "\u202egnp\u200b.exe",
    LONG,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\u0323",
    "(other)",
    "(none)",
    "a&where=project=b#x",
    "a!=b~c=d",
    "~web",
    "line\nbreak",
)
LAST = NOW.date() - timedelta(days=1)
DAYS = [LAST - timedelta(days=back) for back in range(40)]
_MORE = """
[[virtual_tags]]
name = "team"
[[virtual_tags.rules]]
value_of = "project"
[[infrastructure]]
name = "cloud"
format = "simple"
files = "cloud.csv"
[explorer]
annotations = "annotations.csv"
[anomalies]
decisions = "decisions.csv"
[[explorer.views]]
name = "<script>alert(1)</script>"
url = "/?by=team"
"""


def hostile_folder(folder: Path) -> Settings:
    """Publish it; each name costs another amount each day. Returns the settings."""
    rows = [
        {
            "date": day,
            "organization": name,
            "project": name,
            "workflow": name,
            "job": name,
            "branch": name,
            "resource_class": name,
            "build_status": "failed",
            "compute": 1000 * (number + 1) + 100 * (day.day % 5),
        }
        for day in DAYS
        for number, name in enumerate(NAMES)
    ]
    _write(folder / "annotations.csv", ("date", "text"), [(DAYS[number], name) for number, name in enumerate(NAMES)])
    _write(folder / "cloud.csv", ("date", "amount", "label"), [(day, 5, name) for day in DAYS for name in NAMES])
    incidents = [
        {"incident_id": f"{number:08x}", "series": f"project={name}", "first_day": DAYS[5], "cost_center": "acme"}
        | {"organization": name, "project": name}
        for number, name in enumerate(NAMES)
    ]
    budgets = "".join(_budget(name) for name in NAMES if name.isprintable() and len(name) < 100)
    settings = small_folder(folder, rows, _MORE + budgets, incidents)
    lake = open_lake(settings.data_dir)
    with tables_to_publish(lake) as connection:
        write_forecasts(connection, all_budgets(settings), ForecastSettings())
        write_budget_status(connection, all_budgets(settings))
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
    return settings


def _budget(name: str) -> str:
    written = json.dumps(name)
    return f"[[budgets]]\nname = {written}\nowner = {written}\namount = 100\nwhere = {{ project = {written} }}\n"


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
