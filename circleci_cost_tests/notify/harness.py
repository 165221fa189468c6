"""What the tests of notifications share: a clock, an outbox, sections of channels, and messages to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from circleci_cost.clock import ManualClock
from circleci_cost.config.notifications import Notifications
from circleci_cost.day_ranges import DayRange
from circleci_cost.notify.budget_events import BudgetCrossing, budget_threshold
from circleci_cost.notify.channels import Channel, open_channels
from circleci_cost.notify.delivery import DeliveryReport, Limits, deliver
from circleci_cost.notify.events import sync_failed
from circleci_cost.notify.messages import Envelope, Notice
from circleci_cost.notify.outbox import Outbox
from circleci_cost.notify.routing import enqueue_all
from circleci_cost_tests.notify.mailbox import CERTIFICATE, PASSWORD, USER, Mailbox
from circleci_cost_tests.notify.receiver import Receiver
from circleci_cost_tests.notify.scripted_server import ScriptedServer

DAYS = DayRange(date(2026, 3, 8), date(2026, 3, 9))
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
# Tests look for each of them wherever a secret must not be.
SLACK_PATH = "/services/T0CANARY/B0CANARY/canaryslacktoken"
SIGNING_SECRET = "Y2FuYXJ5LXNpZ25pbmcta2V5LW9mLTMyLWJ5dGVzLi4="
HOSTILE = (
    'a\r\nBcc: x@evil.example <!channel> @here [x](http://e.example) *b* _i_ `c` <img src=x onerror=y> & \u202egnp"'
)


def email_section(mailbox: Mailbox | ScriptedServer, **changes: Any) -> dict[str, Any]:
    """An e-mail channel to a mailbox with STARTTLS and login."""
    section: dict[str, Any] = {
        "name": "mail",
        "type": "email",
        "to": ["ann@example.com"],
        "from": "ci-cost@example.com",
        "host": "127.0.0.1",
        "port": mailbox.port,
        "username": USER,
        "password_env": "SMTP_PASSWORD",
        "ca_file": CERTIFICATE,
    }
    return {name: value for name, value in (section | changes).items() if value is not None}


def slack_section(**changes: Any) -> dict[str, Any]:
    """A Slack channel whose address is in SLACK_WEBHOOK_URL."""
    return {"name": "slack", "type": "slack", "url_env": "SLACK_WEBHOOK_URL", **changes}


def webhook_section(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    """A signed webhook."""
    return {
        "name": "hook",
        "type": "webhook",
        "url": f"{receiver.origin}/cost",
        "secret_env": "WEBHOOK_SECRET",
        **changes,
    }


def secrets(receiver: Receiver | None = None) -> dict[str, str]:
    """The environment, each secret a canary."""
    environment = {"SMTP_PASSWORD": PASSWORD, "WEBHOOK_SECRET": SIGNING_SECRET}
    if receiver:
        environment["SLACK_WEBHOOK_URL"] = f"{receiver.origin}{SLACK_PATH}"
    return environment


def failed(
    run_id: str = "run-1",
    *,
    sentence: str = "The CircleCI API answered 500.",
    center: str = "acme",
    open_period: str | None = None,
) -> Notice:
    """A failed sync; each run id is a message of its own."""
    return sync_failed(center, DAYS, sentence, run_id, open_period=open_period)


def crossing(**changes: Any) -> BudgetCrossing:
    """A budget at 80 %."""
    values: dict[str, Any] = {
        "budget": "web",
        "owner": "web",
        "period": "2026-03",
        "unit": "USD",
        "kind": "actual",
        "threshold": Decimal("0.8"),
        "amount": Decimal("1000"),
        "actual": Decimal("812.3456"),
    }
    return BudgetCrossing(**(values | changes))


def at_80_percent(**changes: Any) -> Notice:
    """The notice of a budget at 80 %."""
    return budget_threshold(crossing(**changes))


def envelope(notice: Notice) -> Envelope:
    """A notice in its envelope."""
    return Envelope(notice.key, notice.message, NOW)


@dataclass
class Site:
    """An outbox in a folder and the channels of a configuration."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    notifications: Notifications = field(default_factory=Notifications)
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(message=5, channel=10))

    @property
    def path(self) -> Path:
        """The outbox's file."""
        return self.folder / "state" / "outbox.sqlite"

    @property
    def outbox(self) -> Outbox:
        """The outbox, opened anew as another process would."""
        return Outbox(self.path, self.clock)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels."""
        return open_channels(self.notifications, self.environment, self.clock)

    def configure(self, *channels: Mapping[str, Any], owners: Sequence[Mapping[str, Any]] = (), **more: Any) -> None:
        """Set the channels."""
        content = {
            "channels": [dict(channel) for channel in channels],
            "owners": [dict(owner) for owner in owners],
            **more,
        }
        self.notifications = Notifications.model_validate(content)

    def enqueue(self, *notices: Notice) -> int:
        """Put notices into the outbox."""
        return enqueue_all(self.outbox, self.notifications, notices)

    def deliver(self) -> DeliveryReport:
        """Send what is due."""
        return deliver(self.outbox, self.channels, self.limits)

    def run(self, *notices: Notice) -> DeliveryReport:
        """Do what each run of the pipeline does: enqueue, then send."""
        self.enqueue(*notices)
        return self.deliver()
