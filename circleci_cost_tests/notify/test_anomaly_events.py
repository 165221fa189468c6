"""Messages about incidents: their text in every channel and with any name, and when they are sent (f105)."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.config.notifications import NotificationOwner
from circleci_cost.notify.anomaly_events import anomaly, anomaly_recovered
from circleci_cost.notify.anomaly_occasions import anomaly_notices, times_grown
from circleci_cost.notify.apprise_channel import harmless
from circleci_cost.notify.mail_message import as_mail
from circleci_cost.notify.messages import Notice
from circleci_cost.notify.payload import as_payload
from circleci_cost.notify.plain import as_text
from circleci_cost.notify.slack_message import as_slack
from circleci_cost.notify.teams_message import as_teams
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost_tests.model.incidents.incident_rows import ROW, incident
from circleci_cost_tests.notify.harness import HOSTILE, Site, envelope, webhook_section
from circleci_cost_tests.notify.receiver import Receiver
from circleci_cost_tests.warehouse.budgets.builders import warehouse

SENT = HOSTILE.replace("\r", "\ufffd").replace("\n", "\ufffd").replace("\u202e", "\ufffd")
WHY = "+$14.00 (+50 %): runs +$14.00 (10 → 15)."
EFFECTS = (("project web, job test", "minutes_per_run", Decimal("13.456")), ("project web", "runs", Decimal("-0.01")))
URLS = tuple(f"https://app.circleci.com/jobs/{number}" for number in range(5))
TWICE = Decimal(2)
DAY = timedelta(days=1)


def whole() -> Notice:
    """A message with every optional part."""
    services = ("aws EC2 rose by 20 % on 2026-03-04.",)
    return anomaly(incident(), 0, why=WHY, effects=EFFECTS, urls=URLS, services=services, owner="web")


def test_a_message_says_what_where_why_and_what_to_do() -> None:
    key, message, owner = whole()
    assert (key.event, key.subject, key.period, key.threshold, owner) == ("anomaly", "57bb05f099", "", "0", "web")
    assert (message.title, message.severity) == ("acme / web: level shift up, +$15.12 so far", "warning")
    assert message.lines == (
        "Project acme / web cost $40.13 from 2026-03-04 to 2026-03-06, $15.12 more than the $25.00 that were expected.",
        f"Against the same weekdays before: {WHY}",
        "If it stays, a month comes to +$153.45.",
        "aws EC2 rose by 20 % on 2026-03-04.",
        *(f"Example: {url}" for url in URLS[:3]),
        "`circleci-cost anomalies --incident 57bb05f099` shows more. If that was meant, add it to the file that "
        "[anomalies] decisions names: incident 57bb05f099, decision expected.",
    )
    assert message.facts == (
        ("Incident", "57bb05f099"),
        ("Where", "project acme / web"),
        ("Days", "2026-03-04 to 2026-03-06"),
        ("Status", "open"),
    )
    assert message.table is not None
    assert message.table.header == ("Where", "Driver", "Effect")
    assert message.table.rows == (
        ("project web, job test", "minutes per run", "+$13.46"),
        ("project web", "runs", "-$0.0100"),
    )


def test_machines_get_every_digit_as_text() -> None:
    data = whole().message.data
    assert (data["actual_usd"], data["impact_usd"], data["expected_usd"]) == ("40.1250000000000001", "15.125", "25")
    assert (data["grown"], data["why"], data["first_day"]) == (0, WHY, "2026-03-04")
    assert json.loads(as_payload(envelope(whole())))["data"] == data


def test_a_message_without_reasons_has_no_table_and_says_what_is_known() -> None:
    message = anomaly(incident(direction="down", kind="outage", impact_usd=Decimal(-3)), 0).message
    assert (message.table, message.severity, message.data["why"]) == (None, "info", None)
    assert [line.split()[0] for line in message.lines] == ["Project", "If", "`circleci-cost"]


def test_growth_is_notified_with_the_cost_of_a_day_and_has_a_key_of_its_own() -> None:
    grown = anomaly(incident(peak_usd_per_day=Decimal("17.5")), 2)
    assert grown.key.threshold == "2"
    assert grown.message.title == "acme / web: level shift up, +$15.12 so far (grown)"
    assert grown.message.lines[0] == "It has grown: first a day came to +$4.00, since then it has reached +$17.50."
    assert len({anomaly(incident(), number).key.id for number in range(3)}) == 3


def test_the_key_is_the_same_whatever_has_been_learned_since() -> None:
    later = incident(series="acme / web / build", last_day=date(2026, 3, 9), impact_usd=Decimal(99), status="ended")
    assert anomaly(incident(), 0).key.id == anomaly(later, 0).key.id
    assert anomaly_recovered(later).key.id == anomaly_recovered(incident(status="new_normal")).key.id


def test_the_end_and_the_new_normal_are_distinguished() -> None:
    ended = anomaly_recovered(incident(status="ended", monthly_impact_usd=None), owner="web")
    assert (ended.key.event, ended.key.subject, ended.owner) == ("anomaly_recovered", "57bb05f099", "web")
    assert ended.message.title == "acme / web: level shift up has ended, +$15.12 in all"
    assert ended.message.lines == ("Project acme / web: the level shift up of 2026-03-04 to 2026-03-06 has ended.",)
    stays = anomaly_recovered(incident(status="new_normal")).message
    assert stays.title == "acme / web: level shift up is the new normal, +$15.12 in all"
    assert stays.lines[1] == "A month comes to +$153.45."


def hostile() -> Iterator[Notice]:
    """All messages about an incident whose names are an attack."""
    row = incident(series=HOSTILE, project=HOSTILE, reason=HOSTILE)
    yield anomaly(row, 1, why=HOSTILE, effects=((HOSTILE, "runs", Decimal(1)),), urls=(HOSTILE,), services=(HOSTILE,))
    yield anomaly_recovered(row)


@pytest.mark.parametrize("notice", list(hostile()), ids=lambda notice: notice.key.event)
def test_f106_no_name_of_an_incident_does_anything_in_any_channel(notice: Notice) -> None:
    sent = envelope(notice)
    assert notice.message.title.startswith(SENT)
    mail = as_mail(sent, "a@example.com", ["b@example.com"])
    assert "Bcc" not in mail
    assert "\nBcc" not in bytes(mail).decode()
    page = mail.get_body(("html",))
    assert page is not None
    assert "<img" not in page.get_content()
    slack = json.loads(as_slack(sent))
    for block in slack["blocks"]:
        shown = block.get("text", {}).get("text", "")
        assert "<!channel>" not in shown
        assert block.get("text", {}).get("type") != "mrkdwn" or "`" not in shown[3:-3]
    teams = as_teams(sent).decode()
    # Runs of text hold no Markdown; a plain TextBlock would.
    assert '"TextBlock"' not in teams
    assert not re.search(r"\\[rn]|\\u202e", teams)
    payload = as_payload(sent)
    assert payload.isascii()
    assert not re.search(rb"\\[rn]|\\u202e", payload)
    assert not re.search(r"[@<>`]|\]\(", harmless(as_text(notice.message)))


@pytest.mark.parametrize(
    ("first", "peak", "factor", "times"),
    [
        ("4", "4", "2", 0),
        ("4", "7.999999", "2", 0),
        ("4", "8", "2", 1),
        ("-4", "-16", "2", 2),
        ("4", "100", "1.5", 7),
        ("4", "1", "2", 0),
        ("0", "100", "2", 0),
        ("0", "0", "2", 0),
    ],
)
def test_growth_is_counted_in_factors(first: str, peak: str, factor: str, times: int) -> None:
    row = incident(told_usd_per_day=Decimal(first), peak_usd_per_day=Decimal(peak))
    assert times_grown(row, Decimal(factor)) == times


class Publications:
    """A warehouse with incidents, a channel for everybody and one for the owner of a project."""

    def __init__(self, site: Site, receiver: Receiver) -> None:
        site.configure(webhook_section(receiver), webhook_section(receiver, name="web", url=f"{receiver.origin}/web"))
        self._site = site
        days = [date(2026, 2, 1) + number * DAY for number in range(40)]
        rows = [{"date": day, "project": name, "compute": 1000} for day in days for name in ("web", "api")]
        self._connection = warehouse(rows)

    def publish(self, **changes: Any) -> list[str]:
        """Publish one incident; return the event, threshold and owner of each notice that is queued."""
        return self.publish_all([incident(**changes)])

    def publish_all(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Publish these incidents; return the same."""
        wide = {name: pl.Decimal(38, 16) for name, value in ROW.items() if isinstance(value, Decimal)}
        incidents = pl.DataFrame(rows, schema_overrides=wide, infer_schema_length=None)  # noqa: F841 - named in the SQL
        with transaction(self._connection):
            self._connection.execute("DELETE FROM anomaly_incidents")
            if rows:
                self._connection.execute("INSERT INTO anomaly_incidents BY NAME SELECT * FROM incidents")
        owner = NotificationOwner.model_validate({"name": "w", "channels": ["web"], "where": {"project": "web"}})
        without_scope = NotificationOwner.model_validate({"name": "all", "channels": ["hook"]})
        outbox = self._site.outbox
        new = []
        for notice in anomaly_notices(self._connection, outbox, (without_scope, owner), TWICE):
            if outbox.enqueue(notice.key, notice.message, ["hook"]):
                new.append(" ".join((notice.key.event, notice.key.threshold, notice.owner or "-")).strip())
        return new


@pytest.fixture
def publications(site: Site, receiver: Receiver) -> Publications:
    return Publications(site, receiver)


def test_f105_an_incident_is_notified_once_while_it_lasts(publications: Publications) -> None:
    assert publications.publish() == ["anomaly 0 w"]
    for day in range(1, 40):
        through = date(2026, 3, 6) + day * DAY
        assert publications.publish(last_day=through, data_through=through, impact_usd=Decimal(day)) == []


def test_parts_of_an_incident_that_was_notified_are_no_news_and_later_ones_are(publications: Publications) -> None:
    assert publications.publish() == ["anomaly 0 w"]
    project = incident(data_through=date(2026, 3, 7), last_day=date(2026, 3, 7))
    part = project | {"incident_id": "part", "workflow": "build", "told_on": date(2026, 3, 6)}
    above = project | {"incident_id": "above", "project": None, "told_on": date(2026, 3, 5)}
    news = [
        part | {"incident_id": "later", "told_on": date(2026, 3, 7)},
        part | {"incident_id": "other way", "direction": "down"},
        part | {"incident_id": "other project", "project": "api"},
        part | {"incident_id": "new price", "kind": "price_change"},
        part | {"incident_id": "team", "tag": "team", "tag_value": "web"},
    ]
    assert publications.publish_all([project, part, above]) == []
    assert len(publications.publish_all([project, part, above, *news])) == len(news)


def test_incidents_that_are_found_at_once_are_all_notified(publications: Publications) -> None:
    rows = [incident(), incident(incident_id="job", workflow="build", job="test")]
    assert len(publications.publish_all(rows)) == 2


def test_a_run_that_ended_between_two_notices_is_made_up_for(publications: Publications) -> None:
    rows = [incident(), incident(incident_id="job", workflow="build", job="test")]
    assert publications.publish_all(rows[:1]) == ["anomaly 0 w"]
    assert len(publications.publish_all(rows)) == 1


def test_growth_is_notified_at_each_factor_and_a_decrease_is_no_news(publications: Publications) -> None:
    peaks = ("4", "7", "8", "15", "9", "40", "7", "39")
    queued = [publications.publish(peak_usd_per_day=Decimal(peak)) for peak in peaks]
    assert queued == [["anomaly 0 w"], [], ["anomaly 1 w"], [], [], ["anomaly 3 w"], [], []]


def test_the_end_is_notified_once_because_the_beginning_was(publications: Publications) -> None:
    assert publications.publish() == ["anomaly 0 w"]
    later = {"data_through": date(2026, 4, 20), "status": "ended"}
    assert publications.publish(**later) == ["anomaly_recovered  w"]
    assert publications.publish(**later) == []
    # It starts again, under the same id, and ends again.
    assert publications.publish(data_through=date(2026, 4, 21)) == []
    assert publications.publish(**later) == []


def test_an_incident_that_was_over_when_notified_gets_no_notice_of_its_end(publications: Publications) -> None:
    for status in ("ended", "new_normal"):
        row = {"incident_id": status, "status": status, "kind": "price_change"}
        assert publications.publish(**row) == ["anomaly 0 w"]
        assert publications.publish(**row) == []
        assert publications.publish(**row, data_through=date(2026, 3, 20)) == []


def test_neither_history_nor_its_end_is_notified(publications: Publications) -> None:
    assert publications.publish(data_through=date(2026, 3, 11), status="ended") == []
    assert publications.publish(data_through=date(2026, 3, 11)) == []
    assert publications.publish(data_through=date(2026, 3, 10)) == ["anomaly 0 w"]


@pytest.mark.parametrize("status", ["expected", "ignored"])
def test_incidents_with_a_decision_are_no_longer_notified(publications: Publications, status: str) -> None:
    assert publications.publish(status=status) == []
    assert publications.publish() == ["anomaly 0 w"]
    assert publications.publish(status=status, peak_usd_per_day=Decimal(100)) == []


def test_an_owner_of_less_than_half_of_an_incident_is_not_notified(publications: Publications) -> None:
    rows = [
        incident(incident_id="theirs", project="api"),
        incident(incident_id="ours", project="web"),
        incident(incident_id="half", project=None),
        incident(incident_id="seats", project=None, charge_type="user"),
    ]
    # Both projects cost the same: half of the organization's is enough; of seats there are none.
    assert sorted(publications.publish_all(rows)) == ["anomaly 0 -", "anomaly 0 -", "anomaly 0 w", "anomaly 0 w"]


def test_an_outage_that_left_no_cost_still_belongs_to_its_owner(publications: Publications) -> None:
    day = date(2026, 3, 13)
    down = {"direction": "down", "kind": "outage", "first_day": day, "last_day": day, "told_on": day}
    assert publications.publish(**down, data_through=day) == ["anomaly 0 w"]


def test_without_incidents_nothing_is_notified(publications: Publications) -> None:
    publications.publish()
    assert publications.publish_all([]) == []


def test_a_channel_that_was_added_later_gets_what_is_still_news(site: Site, receiver: Receiver) -> None:
    connection = duckdb.connect()
    make_tables(connection)
    assert list(anomaly_notices(connection, site.outbox, (), TWICE)) == []
    site.configure(webhook_section(receiver))
    assert site.enqueue(anomaly(incident(), 0)) == 1
    site.configure(webhook_section(receiver), webhook_section(receiver, name="second"))
    assert site.enqueue(anomaly(incident(), 0)) == 1
    assert site.deliver().sent == 2
