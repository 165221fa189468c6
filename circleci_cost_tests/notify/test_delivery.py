"""One channel can neither fail nor delay the others, whatever it does."""

import time
from threading import Event

from circleci_cost.notify.delivery import Limits, deliver, try_channels
from circleci_cost.notify.failures import NotDelivered
from circleci_cost_tests.notify.harness import Site, email_section, envelope, failed, slack_section
from circleci_cost_tests.notify.mailbox import Mailbox
from circleci_cost_tests.notify.receiver import Receiver


class Stuck:
    """A channel that hangs where no time-out reaches it, as in a DNS lookup."""

    name = "stuck"
    recipients = ("stuck",)

    def __init__(self) -> None:
        self.released = Event()

    def send(self, *_: object) -> dict[str, NotDelivered]:
        self.released.wait(20)
        return {}


class Surprising:
    """A channel with a bug of ours."""

    name = "surprising"
    recipients = ("surprising",)

    def send(self, *_: object) -> dict[str, NotDelivered]:
        raise KeyError("canary")


def test_a_bug_in_a_channel_is_reported_without_its_text_and_stops_no_other_one(site: Site, mailbox: Mailbox) -> None:
    site.configure(slack_section(name="surprising"), email_section(mailbox))
    site.enqueue(failed())
    report = deliver(site.outbox, (Surprising(), site.channels[1]), site.limits)
    assert (report.sent, report.waiting, len(mailbox.mails)) == (1, 1, 1)
    assert report.problems == (
        "The channel 'surprising' failed in a way that is not foreseen (KeyError); please report it.",
    )


def test_a_channel_that_no_time_out_reaches_is_left_behind(site: Site, receiver: Receiver) -> None:
    site.configure(slack_section(name="stuck"), slack_section())
    site.enqueue(failed())
    stuck = Stuck()
    started = time.monotonic()
    report = deliver(site.outbox, (stuck, site.channels[1]), Limits(message=3, channel=3))
    assert time.monotonic() - started < 15
    assert (report.sent, report.waiting, len(receiver.requests)) == (1, 1, 1)
    assert report.problems == ("The channel 'stuck' did not end in time; what it had taken is tried again.",)
    stuck.released.set()


def test_no_message_is_begun_when_the_channels_time_is_up_and_the_next_run_goes_on(
    site: Site, receiver: Receiver
) -> None:
    site.configure(slack_section())
    site.enqueue(*(failed(str(number)) for number in range(5)))
    receiver.on_request = lambda: time.sleep(1)
    first = deliver(site.outbox, site.channels, Limits(message=20, channel=2)).sent
    assert 1 <= first < 5
    receiver.on_request = lambda: None
    assert site.deliver().sent == 5 - first
    assert len(receiver.requests) == 5


def test_a_try_reports_the_failures_of_each_channel(site: Site, receiver: Receiver) -> None:
    site.configure(slack_section())
    stuck = Stuck()
    assert try_channels(envelope(failed()), (stuck, Surprising(), *site.channels), 2) == {
        "stuck": ["The channel 'stuck' did not answer within 2 s."],
        "surprising": ["The channel 'surprising' failed in a way that is not foreseen (KeyError); please report it."],
        "slack": [],
    }
    stuck.released.set()
