"""Which channels get a notice: all, or an owner's, and of those the ones that want the event."""

from datetime import date
from decimal import Decimal

from circleci_cost.notify.digest_events import DigestRow, digest
from circleci_cost.notify.events import price_gap
from circleci_cost.notify.routing import channels_for
from circleci_cost_tests.notify.harness import Site, at_80_percent, slack_section
from circleci_cost_tests.notify.receiver import Receiver


def configured(site: Site) -> Site:
    """The channels of two teams and one for everybody."""
    site.configure(
        slack_section(name="everybody"),
        slack_section(name="web-room", events=["budget", "digest"]),
        slack_section(name="api-room", events=["budget"]),
        owners=[
            {"name": "web", "channels": ["web-room", "everybody"], "digest": "weekly"},
            {"name": "api", "channels": ["api-room"], "digest": "monthly", "where": {"project": "api"}},
        ],
    )
    return site


def test_events_of_no_owner_go_to_all_channels_that_want_them(site: Site) -> None:
    notifications = configured(site).notifications
    assert channels_for(notifications, "price_gap") == ("everybody",)
    assert channels_for(notifications, "budget") == ("everybody", "web-room", "api-room")


def test_an_owners_events_go_to_its_channels_that_want_them(site: Site) -> None:
    notifications = configured(site).notifications
    assert channels_for(notifications, "budget", "web") == ("everybody", "web-room")
    assert channels_for(notifications, "budget", "api") == ("api-room",)
    assert channels_for(notifications, "digest", "api") == ()


def test_a_budget_whose_owner_has_no_section_is_everybodys(site: Site) -> None:
    assert channels_for(configured(site).notifications, "budget", "data") == ("everybody", "web-room", "api-room")


def test_notices_are_queued_once_for_each_channel_with_the_link(site: Site, receiver: Receiver) -> None:
    configured(site)
    total = DigestRow("Total", Decimal(1), Decimal(1))
    notices = [at_80_percent(), price_gap("acme", date(2026, 4, 1)), digest("web", "2026-W10", [], total)]
    assert [site.enqueue(*notices), site.enqueue(*notices)] == [5, 0]
    assert site.deliver().sent == 5
    assert len(receiver.requests) == 5
