"""Forms that change something: only whole ones of a page of this server, sent by its user, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from circleci_cost.explorer.access import Access, networks
from circleci_cost.explorer.forms import Tokens
from circleci_cost_tests.explorer.incident_site import Visitor, make_folder, usage, visiting
from circleci_cost_tests.explorer.raw_requests import RawAnswer, ask_raw, connected

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("incidents"), usage())


@pytest.fixture(scope="module")
def visitor(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with visiting(published, tmp_path_factory.mktemp("site")) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def fields(visitor: Visitor) -> dict[str, str]:
    """The fields of a form that would be accepted."""
    (incident, *_) = visitor.incident_ids()
    return visitor.form(incident) | {"decision": "expected", "reason": "a reason", "until": ""}


@pytest.fixture(autouse=True)
def nothing_is_decided(visitor: Visitor) -> Iterator[None]:
    """Whatever a test sends here is refused."""
    yield
    assert visitor.decisions is None
    assert visitor.site.take_bugs() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://"},
        {"origin": "http://["},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "SAME-ORIGIN"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused(visitor: Visitor, fields: dict[str, str], headers: dict[str, str]) -> None:
    answer = visitor.client.post("/anomalies/decide", data=fields, headers={"origin": visitor.site.origin} | headers)
    assert answer.status_code == 403
    assert "from pages of this server only" in answer.text


def test_a_form_without_an_origin_is_refused(visitor: Visitor, fields: dict[str, str]) -> None:
    assert visitor.client.post("/anomalies/decide", data=fields).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "0" * 96, "\u0660" * 96, "a" * 40_000, None])
def test_a_token_that_was_not_made_here_is_refused(visitor: Visitor, fields: dict[str, str], token: str | None) -> None:
    sent = {name: value for name, value in fields.items() if name != "token"} | ({"token": token} if token else {})
    answer = visitor.send(sent)
    assert answer.status_code == 403
    assert "reload it and try again" in answer.text


def test_a_token_is_one_users_and_one_servers() -> None:
    tokens = Tokens()
    token = tokens.make("ann")
    assert tokens.is_valid(token, "ann")
    assert not tokens.is_valid(token, "bob")
    assert not tokens.is_valid(token, "")
    assert not Tokens().is_valid(token, "ann")
    assert not any(tokens.is_valid(token[:number] + "0" + token[number + 1 :] + "1", "ann") for number in range(96))
    assert tokens.make("ann") != token


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", "", None])
def test_another_type_of_content_is_no_form(visitor: Visitor, fields: dict[str, str], kind: str | None) -> None:
    headers = {"origin": visitor.site.origin} | ({} if kind is None else {"content-type": kind})
    answer = visitor.client.post("/anomalies/decide", content=urlencode(fields), headers=headers)
    assert answer.status_code == 415
    assert "reload the page" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a=%ff", 400),
        (b"\xff\xfe", 400),
        (b"&".join(b"a%d=1" % number for number in range(21)), 400),
        (b"a" * (64 * 1024 + 1), 413),
        (b"a" * 3_000_000, 413),
        (b"", 403),
        (b"token", 403),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_body_that_is_no_form_is_refused(visitor: Visitor, body: bytes, status: int) -> None:
    headers = {"origin": visitor.site.origin, "content-type": FORM}
    assert visitor.client.post("/anomalies/decide", content=body, headers=headers).status_code == status


def _ask(visitor: Visitor, head: str, body: bytes) -> RawAnswer | None:
    host = visitor.site.origin.removeprefix("http://")
    lines = f"Host: {host}\r\nOrigin: http://{host}\r\nContent-Type: {FORM}\r\nConnection: close\r\n{head}\r\n"
    return ask_raw(visitor.site.origin, f"POST /anomalies/decide HTTP/1.1\r\n{lines}".encode() + body)


def test_a_body_whose_length_is_not_known_is_bounded_too(visitor: Visitor) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    answer = _ask(visitor, "Transfer-Encoding: chunked\r\n", chunk * 20)
    assert answer is not None and answer.status == 413


def test_a_form_that_breaks_off_changes_nothing_and_is_no_bug(visitor: Visitor, fields: dict[str, str]) -> None:
    body = urlencode(fields).encode()
    host = visitor.site.origin.removeprefix("http://")
    with connected(visitor.site.origin) as connection:
        head = f"POST /anomalies/decide HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: {FORM}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body) + 10}\r\n\r\n".encode() + body)
    assert visitor.get("/health").text == "ok\n"


def test_behind_a_proxy_forms_of_the_public_address_are_accepted_and_of_no_other(
    published: Path, tmp_path: Path
) -> None:
    access = Access(public="cost.example.com:8443", proxies=networks(["127.0.0.1"]))
    with visiting(published, tmp_path, access=access, **{"X-Forwarded-User": "ann"}) as visitor:
        (incident, *_) = visitor.incident_ids()
        form = visitor.form(incident) | {"decision": "expected", "reason": "known", "until": ""}
        for origin in ("https://cost.example.com", "https://cost.example.com:9", "https://evil.example:8443"):
            assert visitor.send(form, origin=origin).status_code == 403
        assert visitor.send(form, origin="https://COST.example.com:8443", x_forwarded_user="bob").status_code == 403
        assert visitor.decisions is None
        assert visitor.send(form, origin="https://COST.example.com:8443").status_code == 303
        assert visitor.decisions is not None and "known" in visitor.decisions
