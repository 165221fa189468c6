"""E-mail over a real SMTP server: what arrives, what is refused, and that nothing travels in the open (f102)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread

import pytest

from circleci_cost.notify.delivery import Limits
from circleci_cost.notify.outbox import FIRST_RETRY, RETRY_OF_REFUSED
from circleci_cost_tests.notify.harness import Site, email_section, failed
from circleci_cost_tests.notify.mailbox import PASSWORD, USER, Mailbox


def test_a_mail_has_a_text_and_an_html_part_and_names_itself(site: Site, mailbox: Mailbox) -> None:
    site.configure(email_section(mailbox, to=["ann@example.com", "bob@bücher.example"]), link="https://d.example.com/")
    assert site.run(failed()).sent == 1
    (mail,) = mailbox.mails
    assert mailbox.envelopes == [("ci-cost@example.com", ["ann@example.com", "bob@xn--bcher-kva.example"])]
    assert mailbox.logins == [(USER, PASSWORD)]
    assert mail["Subject"] == "[CircleCI cost] acme: sync failed"
    assert mail["From"] == "CircleCI cost <ci-cost@example.com>"
    assert mail["Message-ID"] == f"<{failed().key.id}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert text.splitlines() == [
        "acme: sync failed",
        "",
        "The CircleCI API answered 500.",
        "What was published before is untouched; the next scheduled run tries these days again.",
        "",
        "Cost center: acme",
        "Days of usage: 2026-03-08 to 2026-03-09",
        "Run: run-1",
        "",
        "https://d.example.com",
    ]
    assert "<p>The CircleCI API answered 500.</p>" in html
    assert '<a href="https://d.example.com">' in html


def test_a_subject_beyond_ascii_arrives_whole(site: Site, mailbox: Mailbox) -> None:
    site.configure(email_section(mailbox))
    name = "Überwachung der Größe – 日本語のプロジェクト " * 3
    site.run(failed(center=name.strip()))
    assert mailbox.mails[0]["Subject"] == f"[CircleCI cost] {name.strip()}: sync failed"


def test_ssl_from_the_first_byte_works_too(site: Site) -> None:
    with Mailbox(starttls=False, tls=True) as mailbox:
        site.configure(email_section(mailbox, security="ssl", username=None, password_env=None))
        assert site.run(failed()).sent == 1
        assert len(mailbox.mails) == 1


def test_a_server_on_this_machine_may_have_no_encryption(site: Site) -> None:
    with Mailbox(starttls=False) as mailbox:
        site.configure(email_section(mailbox, security="none", username=None, password_env=None, ca_file=None))
        assert site.run(failed()).sent == 1


def test_f102_one_bad_recipient_does_not_keep_the_mail_from_the_others(site: Site, mailbox: Mailbox) -> None:
    mailbox.refused["bad@example.com"] = "550 5.1.1 no such user"
    site.configure(email_section(mailbox, to=["ann@example.com", "bad@example.com", "bob@example.com"]))
    report = site.run(failed())
    assert [to for _, to in mailbox.envelopes] == [["ann@example.com", "bob@example.com"]]
    assert (report.sent, report.failed) == (0, 1)
    assert report.problems == (
        "The mail server 127.0.0.1 (channel 'mail') refused the recipient bad@example.com: 550 5.1.1 no such user.",
    )
    site.clock.advance(RETRY_OF_REFUSED)
    mailbox.refused.clear()
    assert site.run(failed()).sent == 1
    assert [to for _, to in mailbox.envelopes] == [["ann@example.com", "bob@example.com"], ["bad@example.com"]]


def test_f102_a_recipient_that_left_the_configuration_is_not_waited_for(site: Site, mailbox: Mailbox) -> None:
    mailbox.refused["bad@example.com"] = "550 no such user"
    site.configure(email_section(mailbox, to=["ann@example.com", "bad@example.com"]))
    site.run(failed())
    site.configure(email_section(mailbox))
    site.clock.advance(RETRY_OF_REFUSED)
    report = site.run(failed())
    assert (report.sent, report.failed, len(mailbox.mails)) == (1, 0, 1)


def test_f102_a_temporary_refusal_is_tried_again_after_a_minute_for_that_recipient_alone(
    site: Site, mailbox: Mailbox
) -> None:
    mailbox.refused["bob@example.com"] = "450 4.2.1 greylisted"
    site.configure(email_section(mailbox, to=["ann@example.com", "bob@example.com"]))
    assert site.run(failed()).waiting == 1
    mailbox.refused.clear()
    assert site.run(failed()).waiting == 1
    site.clock.advance(FIRST_RETRY)
    assert site.run(failed()).sent == 1
    assert [to for _, to in mailbox.envelopes] == [["ann@example.com"], ["bob@example.com"]]


@pytest.mark.parametrize(
    ("answer", "state", "wait"),
    [("451 4.3.0 try later", "pending", FIRST_RETRY), ("554 5.7.1 refused as spam", "failed", RETRY_OF_REFUSED)],
)
def test_f102_a_refused_mail_is_kept_and_tried_again(
    site: Site, mailbox: Mailbox, answer: str, state: str, wait: timedelta
) -> None:
    mailbox.data_answer = answer
    site.configure(email_section(mailbox))
    report = site.run(failed())
    assert report.problems == (f"The mail server 127.0.0.1 (channel 'mail') refused the mail: {answer}.",)
    assert [message.state for message in site.outbox.undelivered()] == [state]
    mailbox.data_answer = "250 OK"
    site.clock.advance(wait - timedelta(seconds=1))
    assert site.run(failed()).sent == 0
    site.clock.advance(timedelta(seconds=1))
    assert site.run(failed()).sent == 1


def test_f102_a_server_without_starttls_gets_neither_mail_nor_password(site: Site) -> None:
    with Mailbox(starttls=False) as mailbox:
        site.configure(email_section(mailbox))
        (problem,) = site.run(failed()).problems
        assert "does not offer STARTTLS; nothing was sent to it, neither mail nor password" in problem
        assert (mailbox.mails, mailbox.logins) == ([], [])


def test_f102_a_certificate_that_is_not_trusted_ends_the_conversation(site: Site, mailbox: Mailbox) -> None:
    site.configure(email_section(mailbox, ca_file=None))
    (problem,) = site.run(failed()).problems
    assert "showed a certificate that cannot be trusted" in problem
    assert (mailbox.mails, mailbox.logins) == ([], [])


def test_f102_a_wrong_password_is_named_by_its_variable_only(site: Site, mailbox: Mailbox) -> None:
    site.environment = {"SMTP_PASSWORD": "canary-wrong-password"}
    site.configure(email_section(mailbox))
    (problem,) = site.run(failed()).problems
    assert "refused the user name or the password in SMTP_PASSWORD (535 5.7.8 Authentication" in problem
    assert problem.endswith("); correct them.")
    assert "canary" not in problem


@pytest.mark.parametrize("password", ["", "päss-canary"])
def test_f102_a_password_that_cannot_be_used_is_one_sentence(site: Site, mailbox: Mailbox, password: str) -> None:
    site.environment = {"SMTP_PASSWORD": password}
    site.configure(email_section(mailbox))
    (problem,) = site.run(failed()).problems
    assert "SMTP_PASSWORD" in problem
    assert "canary" not in problem
    assert mailbox.mails == []


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), ("x", "it holds no certificate")])
def test_f102_a_ca_file_that_cannot_be_used_is_one_sentence(
    site: Site, mailbox: Mailbox, content: str | None, reason: str
) -> None:
    path = site.folder / "ca.pem"
    if content is not None:
        path.write_text(content)
    site.configure(email_section(mailbox, ca_file=path))
    assert site.run(failed()).problems == (f"The ca_file {path} of channel 'mail' cannot be used ({reason}).",)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 1), ("no-such-host.invalid", 587)])
def test_f102_a_server_that_is_not_there_is_one_sentence(site: Site, mailbox: Mailbox, host: str, port: int) -> None:
    site.configure(email_section(mailbox, host=host, port=port))
    report = site.run(failed())
    (problem,) = report.problems
    assert problem.startswith(f"The mail server {host} (channel 'mail') ")
    assert report.waiting == 1


@pytest.mark.parametrize("manner", ["silent", "dripping"])
def test_f102_a_hanging_server_is_left_after_the_limit(site: Site, mailbox: Mailbox, manner: str) -> None:
    with _slow_server(dripping=manner == "dripping") as port:
        site.limits = Limits(message=0.4, channel=2)
        site.configure(email_section(mailbox, port=port))
        started = time.monotonic()
        report = site.run(failed())
        assert time.monotonic() - started < 15
    assert report.problems == ("The mail server 127.0.0.1 (channel 'mail') did not take the mail within 0.4 s.",)
    assert report.waiting == 1


@contextmanager
def _slow_server(*, dripping: bool) -> Iterator[int]:
    released = Event()

    class Handler(BaseRequestHandler):
        """Says nothing, or one byte of a greeting that never ends now and then."""

        def handle(self) -> None:
            while not released.wait(0.05):
                if dripping:
                    try:
                        self.request.sendall(b"2")
                    except OSError:
                        return

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            released.set()
            server.shutdown()
            thread.join()
