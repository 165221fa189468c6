"""The source: the only code that talks to the CircleCI API and downloads usage exports.

It does not know Dagster, read the rows of an export, or decide which days to fetch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from circleci_cost.circleci.connection import Connection, Endpoint
from circleci_cost.circleci.delivery import DELIVERED_BY, DELIVERY, awaited_sentence, newest_day
from circleci_cost.circleci.gzip_check import verify_gzip
from circleci_cost.circleci.limits import DownloadLimits, Timeouts
from circleci_cost.circleci.progress import SILENT, ExportProgress
from circleci_cost.circleci.retry import Backoff
from circleci_cost.circleci.windows import Plan, Window, plan_windows, windows_of

if TYPE_CHECKING:
    from circleci_cost.circleci.account import Account
    from circleci_cost.circleci.answers import Organization, Person
    from circleci_cost.circleci.export_job import Polling
    from circleci_cost.circleci.fetch import UsageExports
    from circleci_cost.circleci.imports import Imported, land_files

# Loaded at their first use: with their HTTP client a command that asks for nothing would start an eighth slower.
_MODULES = {
    "Account": "account",
    "Imported": "imports",
    "Organization": "answers",
    "Person": "answers",
    "Polling": "export_job",
    "UsageExports": "fetch",
    "land_files": "imports",
}

__all__ = [
    "DELIVERED_BY",
    "DELIVERY",
    "SILENT",
    "Account",
    "Backoff",
    "Connection",
    "DownloadLimits",
    "Endpoint",
    "ExportProgress",
    "Imported",
    "Organization",
    "Person",
    "Plan",
    "Polling",
    "Timeouts",
    "UsageExports",
    "Window",
    "awaited_sentence",
    "land_files",
    "newest_day",
    "plan_windows",
    "verify_gzip",
    "windows_of",
]


def __getattr__(name: str) -> object:
    """Load what speaks HTTP."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
