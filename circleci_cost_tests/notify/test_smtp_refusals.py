"""Refusals of a mail server at any stage: its code and words reach the user, the password never does."""

import base64
import json
from collections.abc import Iterable
from itertools import repeat

import pytest

from circleci_cost.notify.outbox import FIRST_RETRY, RETRY_OF_REFUSED
from circleci_cost_tests.cli.harness import Caller, Output, configuration
from circleci_cost_tests.notify.harness import Site, email_section, failed
from circleci_cost_tests.notify.mailbox import PASSWORD, USER
from circleci_cost_tests.notify.scripted_server import BANNER, END_OF_DATA, LOGIN_LINE, Answer, ScriptedServer

WHO = "The mail server 127.0.0.1 (channel 'mail')"
STAGES = [BANNER, "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", END_OF_DATA]
# The words for a refusal at each stage.
REFUSED = {
    BANNER: "the connection",
    "EHLO": "the name example.com in the greeting (EHLO)",
    "HELO": "the name example.com in the greeting (HELO)",
    "STARTTLS": "STARTTLS",
    "AUTH": "the login",
    "MAIL": "the sender ci-cost@example.com",
    "RCPT": "the recipient ann@example.com",
    "DATA": "the mail",
    END_OF_DATA: "the mail",
}
# The last answer before a conversation ends, for stages without one.
BEFORE = {
    BANNER: "",
    "EHLO": " after its answer to the connection: 220 scripted",
    "STARTTLS": " after its answer to the greeting (EHLO): 250 scripted AUTH PLAIN LOGIN STARTTLS",
    "AUTH": " after its answer to the greeting (EHLO): 250 scripted AUTH PLAIN LOGIN STARTTLS",
    "MAIL": " after its answer to AUTH: 235 2.7.0 welcome",
    "RCPT": " after its answer to MAIL FROM: 250 2.1.0 ok",
    "DATA": " after its answer to RCPT TO: 250 2.1.5 ok",
    END_OF_DATA: " after its answer to DATA: 354 go on",
}
LINES = {
    "plain": base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()),
    "login": base64.b64encode(PASSWORD.encode()),
}


def tried(call: Caller, server: ScriptedServer) -> Output:
    """`notify test` with a mail channel to the server."""
    section = email_section(server)
    keys = "\n".join(f"{name} = {json.dumps(value, default=str)}" for name, value in section.items())
    call.configure(f"{configuration()}[[notifications.channels]]\n{keys}\n")
    return call("notify", "test")


def expect(call: Caller, site: Site, script: dict[str, Answer], sentence: str, state: str) -> None:
    """The sentence on the terminal, in the report and in the outbox, and the password nowhere."""
    with ScriptedServer(script) as server:
        tested = tried(call, server)
        assert (tested.code, tested.out, tested.err) == (1, f"mail: {WHO} {sentence}.\n", "")
        site.configure(email_section(server))
        assert site.run(failed()).problems == (f"{WHO} {sentence}.",)
    (left,) = site.outbox.undelivered()
    assert (left.state, left.reason) == (state, f"{WHO} {sentence}.")
    kept = tested.out.encode() + b"".join(file.read_bytes() for file in site.path.parent.iterdir())
    assert not [secret for secret in (PASSWORD.encode(), *LINES.values()) if secret in kept]


@pytest.fixture
def call(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Caller:
    folder = tmp_path_factory.mktemp("call")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CIRCLECI_COST_CONFIG", raising=False)
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    return Caller(folder, capsys)


@pytest.mark.parametrize(
    ("stage", "answer", "state"),
    [
        (BANNER, "554 5.3.2 no service for 192.0.2.7", "failed"),
        ("HELO", "550 5.7.1 a name of the DNS, please", "failed"),
        ("STARTTLS", "454 4.7.0 TLS not available due to temporary reason", "pending"),
        ("AUTH", "454 4.7.0 temporary authentication failure", "pending"),
        ("MAIL", "553 5.7.1 sender address rejected: not owned by user ci-cost", "failed"),
        ("RCPT", "550 5.1.1 no such user", "failed"),
        ("RCPT", "450 4.2.1 greylisted, come back in 300 s", "pending"),
        ("DATA", "451 4.3.0 no room", "pending"),
        (END_OF_DATA, "554 5.7.1 rejected as spam, see https://mail.example.com/why", "failed"),
    ],
)
def test_a_refusal_at_any_stage_is_reported_with_code_and_words(
    call: Caller, site: Site, stage: str, answer: str, state: str
) -> None:
    script: dict[str, Answer] = {stage: answer.encode()}
    if stage == "HELO":
        script["EHLO"] = script["HELO"]
    expect(call, site, script, f"refused {REFUSED[stage]}: {answer}", state)
    # The mail is not lost: it goes out when its time has come and the server takes it.
    site.clock.advance(FIRST_RETRY if state == "pending" else RETRY_OF_REFUSED)
    with ScriptedServer({}) as server:
        site.configure(email_section(server))
        assert site.deliver().sent == 1


def test_a_wrong_password_names_its_variable_and_the_servers_words(call: Caller, site: Site) -> None:
    answer = b"535-5.7.8 Username and password not accepted. For more\r\n535 5.7.8 information see the manual."
    reply = "535 5.7.8 Username and password not accepted. For more information see the manual"
    sentence = f"refused the user name or the password in SMTP_PASSWORD ({reply}); correct them"
    expect(call, site, {"AUTH": answer}, sentence, "failed")


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_closes_with_421_is_reported_with_its_words(call: Caller, site: Site, stage: str) -> None:
    answer = "421 4.3.2 going down for maintenance"
    expect(call, site, {stage: answer.encode()}, f"refused {REFUSED[stage]}: {answer}", "pending")


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_closes_without_a_reply_is_reported_with_its_last_reply(
    call: Caller, site: Site, stage: str
) -> None:
    expect(call, site, {stage: b""}, f"broke the connection off{BEFORE[stage]}", "pending")


def test_a_server_that_goes_after_one_recipient_has_not_refused_the_other(site: Site) -> None:
    def first_only(lines: list[bytes]) -> Iterable[bytes]:
        if b"bad@" in lines[-1]:
            yield b"550 5.1.1 no such user\r\n"

    with ScriptedServer({"RCPT": first_only}) as server:
        site.configure(email_section(server, to=["bad@example.com", "ann@example.com"]))
        report = site.run(failed())
    assert (report.waiting, report.problems) == (
        1,
        (f"{WHO} broke the connection off after its answer to RCPT TO: 550 5.1.1 no such user.",),
    )


def test_a_refusal_over_tls_from_the_first_byte_is_reported_alike(site: Site) -> None:
    with ScriptedServer({BANNER: b"554 5.3.2 no service"}, tls=True) as server:
        site.configure(email_section(server, security="ssl"))
        assert site.run(failed()).problems == (f"{WHO} refused the connection: 554 5.3.2 no service.",)


@pytest.mark.parametrize(
    ("stage", "endless"),
    [(BANNER, b"220-and more\r\n"), ("EHLO", b"and more " * 100), (END_OF_DATA, b"250-and more\r\n")],
)
def test_an_answer_without_an_end_ends_at_a_bound(call: Caller, site: Site, stage: str, endless: bytes) -> None:
    sentence = "does not speak SMTP as it should: it answers without an end"
    expect(call, site, {stage: lambda _: repeat(endless)}, sentence, "pending")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("550 5.1.1 Empfänger unbekannt – 宛先不明".encode(), "550 5.1.1 Empfänger unbekannt – 宛先不明"),
        ("550 5.1.1 Empfänger unbekannt".encode("latin-1"), "550 5.1.1 Empfänger unbekannt"),
        (b"550 \x1b[2J\x00\xe2\x80\xaered", "550 [2J red"),
        (b"550", "550"),
    ],
)
def test_words_beyond_ascii_are_readable_and_harmless(call: Caller, site: Site, answer: bytes, sentence: str) -> None:
    expect(call, site, {"RCPT": answer}, f"refused {REFUSED['RCPT']}: {sentence}", "failed")


def test_a_server_that_does_not_speak_smtp_is_reported_with_its_reply(call: Caller, site: Site) -> None:
    script: dict[str, Answer] = {BANNER: b"HTTP/1.1 400 Bad Request"}
    expect(call, site, script, "refused the connection: /1.1 400 Bad Request", "pending")


@pytest.mark.parametrize("challenge", [b"334 x", b"334 VXNlcm5hbWU6"])
def test_a_login_that_never_ends_is_one_sentence(call: Caller, site: Site, challenge: bytes) -> None:
    sentence = f"does not speak SMTP as it should after its answer to AUTH: {challenge.decode()}"
    expect(call, site, {"AUTH": challenge, LOGIN_LINE: challenge}, sentence, "pending")


@pytest.mark.parametrize(
    ("offers", "reason"),
    [
        (
            b"250-AUTH XOAUTH2 GSSAPI\r\n",
            "offers no login with a password (CRAM-MD5, LOGIN, PLAIN), only XOAUTH2 GSSAPI; use another port or "
            "server, or have one of these allowed",
        ),
        (b"", "offers no login; leave username and password_env out, or use another port"),
    ],
)
def test_a_server_without_a_usable_login_is_reported_with_the_logins_it_offers(
    call: Caller, site: Site, offers: bytes, reason: str
) -> None:
    expect(call, site, {"EHLO": b"250-scripted\r\n" + offers + b"250 STARTTLS"}, reason, "pending")


@pytest.mark.parametrize(
    ("repeated", "words"),
    [
        (PASSWORD.encode(), "no: ***"),
        (LINES["plain"], "no: ***"),
        (LINES["login"], "no: ***"),
        (b"AUTH PLAIN " + LINES["plain"], "no: AUTH PLAIN ***"),
        (LINES["plain"][:9] + b"\r\n535 5.7.8 " + LINES["plain"][9:], "no: ***"),
    ],
)
def test_a_server_that_repeats_the_password_does_not_reach_the_user_with_it(
    call: Caller, site: Site, repeated: bytes, words: str
) -> None:
    sentence = f"refused the user name or the password in SMTP_PASSWORD (535 5.7.8 {words}); correct them"
    expect(
        call,
        site,
        {"AUTH": b"535-5.7.8 no: " + repeated + (b"" if b"\n" in repeated else b"\r\n535 5.7.8")},
        sentence,
        "failed",
    )


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT", END_OF_DATA])
def test_a_server_that_repeats_what_it_was_sent_does_not_reach_the_user_with_it(
    call: Caller, site: Site, stage: str
) -> None:
    def login(lines: list[bytes]) -> Iterable[bytes]:
        sent = next(line for line in reversed(lines) if line.startswith(b"AUTH PLAIN"))
        yield b"550 5.7.8 what is " + sent

    expect(call, site, {stage: login}, f"refused {REFUSED[stage]}: 550 5.7.8 what is AUTH PLAIN ***", "failed")


def test_a_line_of_a_login_that_is_repeated_is_hidden(call: Caller, site: Site) -> None:
    def password_line(lines: list[bytes]) -> Iterable[bytes]:
        is_user = lines[-1].strip() == base64.b64encode(USER.encode())
        yield b"334 UGFzc3dvcmQ6\r\n" if is_user else b"550 5.7.8 bad line " + lines[-1]

    script: dict[str, Answer] = {
        "EHLO": b"250-scripted\r\n250-AUTH LOGIN\r\n250 STARTTLS",
        "AUTH": b"334 UGFzc3dvcmQ6",
        LOGIN_LINE: password_line,
    }
    expect(call, site, script, "refused the login: 550 5.7.8 bad line ***", "failed")


@pytest.mark.parametrize(("keys", "name"), [({}, "example.com"), ({"helo_name": "ci.example.org"}, "ci.example.org")])
def test_the_greeting_is_the_senders_domain_or_the_key(site: Site, keys: dict[str, str], name: str) -> None:
    with ScriptedServer({}) as server:
        site.configure(email_section(server, **keys))
        assert site.run(failed()).sent == 1
        greetings = [line.decode().lower() for line in server.lines if line.lower().startswith((b"ehlo", b"helo"))]
    assert greetings == [f"ehlo {name}\r\n"] * 2


@pytest.mark.parametrize("farewell", [b"", b"421 gone", lambda _: repeat(b"221-bye\r\n"), b"500 no"])
def test_a_mail_that_was_taken_counts_whatever_the_good_bye(site: Site, farewell: Answer) -> None:
    with ScriptedServer({"QUIT": farewell}) as server:
        site.configure(email_section(server))
        assert site.run(failed()).sent == 1
