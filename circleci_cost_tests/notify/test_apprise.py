"""The optional Apprise channel: a real Apprise service on loopback, and the errors where it cannot be used."""

import json
import logging
import sys

import pytest

from circleci_cost_tests.notify.harness import Site, failed
from circleci_cost_tests.notify.receiver import Answer, Receiver

# A dependency of Apprise imports imghdr, which Python 3.13 has no more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
APPRISE = {"name": "other", "type": "apprise", "url_env": "APPRISE_URL"}


def test_a_message_reaches_a_service_as_plain_text(
    site: Site, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "root")
    site.environment = {"APPRISE_URL": receiver.origin.replace("http:", "json:") + "/canary"}
    site.configure(APPRISE)
    assert site.run(failed(sentence="@here <!channel> [x](http://e.example)")).sent == 1
    (request,) = receiver.requests
    body = json.loads(request.body)
    assert (body["title"], body["type"]) == ("acme: sync failed", "failure")
    assert body["message"].splitlines()[0] == "\uff20here \u2039!channel\u203a [x] (http://e.example)"
    assert "canary" not in caplog.text


def test_a_service_that_refuses_is_one_sentence_and_the_message_is_kept(site: Site, receiver: Receiver) -> None:
    receiver.answers.append(Answer(500))
    site.environment = {"APPRISE_URL": receiver.origin.replace("http:", "json:") + "/canary"}
    site.configure(APPRISE)
    report = site.run(failed())
    assert report.problems == ("The service behind the Apprise channel 'other' did not take the message.",)
    assert report.waiting == 1


def test_an_address_that_apprise_does_not_know_is_one_sentence_without_it(site: Site) -> None:
    site.environment = {"APPRISE_URL": "canary://x"}
    site.configure(APPRISE)
    assert site.run(failed()).problems == (
        "The variable APPRISE_URL of channel 'other' holds no URL that Apprise knows; see "
        "https://appriseit.com/services/.",
    )


def test_without_the_extra_the_sentence_says_how_to_install_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # How Python marks a missing module.
    monkeypatch.setitem(sys.modules, "apprise", None)
    site.environment = {"APPRISE_URL": "json://x"}
    site.configure(APPRISE)
    assert site.run(failed()).problems == ("Apprise is not installed; install it with `pip install apprise`.",)
