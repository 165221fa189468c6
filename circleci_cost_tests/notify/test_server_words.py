"""No form of the password is left in what a mail server says."""

import base64
from html import escape
from urllib.parse import quote

import pytest

from circleci_cost.notify.server_words import server_words
from circleci_cost.text.plain import QUOTABLE_LENGTH
from circleci_cost_tests.notify.harness import Site, email_section, failed
from circleci_cost_tests.notify.mailbox import PASSWORD, USER, Mailbox

LOGIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (PASSWORD, "***"),
        (LOGIN, "***"),
        (f"x{LOGIN}", "x***"),
        (f"{LOGIN}{LOGIN}", "******"),
        (PASSWORD.upper(), "***"),
        (PASSWORD.encode().hex(), "***"),
        (encoded(PASSWORD), "***"),
        (encoded(PASSWORD).rstrip("="), "***"),
        (encoded(f"a{PASSWORD}"), "***"),
        (encoded(f"ab{PASSWORD}c"), "***"),
        (f"{LOGIN[:20]} {LOGIN[20:]}", "***"),
        (f"{LOGIN[:20]}\r\n{LOGIN[20:]}", "***"),
        (encoded("an innocent text of a server"), encoded("an innocent text of a server")),
    ],
)
def test_no_form_of_the_password_is_repeated(sent: str, shown: str) -> None:
    assert server_words(f"what is {sent} to me".encode(), PASSWORD, USER) == f"what is {shown} to me"


def test_a_form_of_a_password_with_special_characters_is_hidden_too() -> None:
    password = 'p&"<w>\\d 100%'
    forms = [password, quote(password, safe=""), escape(password), encoded(password), encoded(f"\0{USER}\0{password}")]
    for form in forms:
        assert server_words(f"what is {form} to me".encode(), password, USER) == "what is *** to me"


def test_the_status_of_each_line_of_an_answer_is_shown_once() -> None:
    reply = b"5.7.8 not accepted, see\n5.7.8 the manual of 10.0.0.1\n5.7.8\n"
    assert server_words(reply) == "5.7.8 not accepted, see the manual of 10.0.0.1"


def test_an_enormous_or_hostile_answer_is_one_short_line() -> None:
    words = server_words(b"\x1b[31m red\n" + b"more \xff" * 5000)
    assert len(words) == QUOTABLE_LENGTH
    assert words.isprintable()


def test_the_words_of_a_refused_mail_reach_the_user_without_the_password(site: Site, mailbox: Mailbox) -> None:
    mailbox.data_answer = f"554 5.7.1 spam {LOGIN}"
    site.configure(email_section(mailbox))
    report = site.run(failed())
    assert report.problems == ("The mail server 127.0.0.1 (channel 'mail') refused the mail: 554 5.7.1 spam ***.",)
