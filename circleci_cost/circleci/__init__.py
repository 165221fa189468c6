"""The source: the only code that talks to the CircleCI API and downloads usage exports.

It does not know Dagster, read the rows of an export, or decide which days to fetch.
"""

from circleci_cost.circleci.account import Account
from circleci_cost.circleci.answers import Organization, Person
from circleci_cost.circleci.connection import Connection, Endpoint
from circleci_cost.circleci.delivery import DELIVERED_BY, DELIVERY, awaited_sentence, newest_day
from circleci_cost.circleci.export_job import Polling
from circleci_cost.circleci.fetch import UsageExports
from circleci_cost.circleci.gzip_check import verify_gzip
from circleci_cost.circleci.imports import Imported, land_files
from circleci_cost.circleci.limits import DownloadLimits, Timeouts
from circleci_cost.circleci.progress import SILENT, ExportProgress
from circleci_cost.circleci.retry import Backoff
from circleci_cost.circleci.windows import Plan, Window, plan_windows, windows_of

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
