"""The moment at which the explorer's tests look at the demo; apart from `demo`, which imports Dagster.

A Thursday morning in the middle of a month and of a quarter: each chart has an incomplete period and a forecast, and
the demo's price change of 1 January is within 90 days.
"""

from datetime import UTC, datetime

NOW = datetime(2026, 3, 19, 10, 35, tzinfo=UTC)
