"""Rows of `anomaly_incidents` as tests of what is said about them need them."""

from datetime import date
from decimal import Decimal
from typing import Any

ROW: dict[str, Any] = {
    "incident_id": "57bb05f099",
    "series_kind": "project",
    "series": "acme / web",
    "cost_center": "acme",
    "organization": "acme",
    "project": "web",
    "workflow": None,
    "job": None,
    "charge_type": None,
    "tag": None,
    "tag_value": None,
    "kind": "level_shift",
    "direction": "up",
    "status": "open",
    "first_day": date(2026, 3, 4),
    "last_day": date(2026, 3, 6),
    "told_on": date(2026, 3, 4),
    "actual_usd": Decimal("40.1250000000000001"),
    "expected_usd": Decimal("25.000000"),
    "impact_usd": Decimal("15.125000"),
    "impact_usd_per_day": Decimal("5.041667"),
    "told_usd_per_day": Decimal("4.000000"),
    "peak_usd_per_day": Decimal("5.041667"),
    "impact_share": Decimal("0.123400"),
    "monthly_impact_usd": Decimal("153.451389"),
    "score": Decimal("1.8054"),
    "alarms": 9,
    "series_in_alarm": 3,
    "reason": None,
    "decided_until": None,
    "data_through": date(2026, 3, 6),
}


def incident(**changes: Any) -> dict[str, Any]:
    """A level shift of a project that goes on since three days, and what differs from it."""
    unknown = changes.keys() - ROW.keys()
    assert not unknown, unknown
    return ROW | changes
