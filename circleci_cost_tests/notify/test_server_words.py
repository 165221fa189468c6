"""No form of the password is left in what a mail server says."""

import base64

import pytest

from circleci_cost.notify.server_words import LENGTH, server_words
from circleci_cost_tests.notify.harness import Site, email_section, failed
from circleci_cost_tests.notify.mailbox import PASSWORD, USER, Mailbox

LOGIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("said", [PASSWORD, LOGIN, PASSWORD.upper(), base64.b64encode(PASSWORD.encode()).decode()])
def test_no_form_of_the_password_is_repeated(said: str) -> None:
    assert server_words(f"what is {said} to me".encode(), PASSWORD, USER) == "what is *** to me"


def test_an_enormous_or_hostile_answer_is_one_short_line() -> None:
    words = server_words(b"\x1b[31m red\n" + b"more \xff" * 5000)
    assert len(words) == LENGTH
    assert words.isprintable()


def test_the_words_of_a_refused_mail_reach_the_user_without_the_password(site: Site, mailbox: Mailbox) -> None:
    mailbox.data_answer = f"554 5.7.1 spam {LOGIN}"
    site.configure(email_section(mailbox))
    report = site.run(failed())
    assert report.problems == ("The mail server 127.0.0.1 (channel 'mail') refused the mail: 554 5.7.1 spam ***.",)
