"""Who may read the explorer, under which names, and how `serve` refuses what would open it by accident."""

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from circleci_cost.cli.main import run
from circleci_cost.cli.serve import _access
from circleci_cost.config.settings import Settings
from circleci_cost.errors import UsageError
from circleci_cost.explorer.access import Access, Refused, networks
from circleci_cost_tests.explorer.raw_requests import RawAnswer, ask_raw, get
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import configure, small_folder

PROXY = Access(frozenset({"cost.example.com"}), proxies=networks(["127.0.0.1"]))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return small_folder(tmp_path_factory.mktemp("small"), [{"date": date(2026, 3, 10), "compute": 100}])


@pytest.fixture(scope="module")
def alone(settings: Settings) -> Iterator[Site]:
    """Served to this machine only."""
    with serving(settings) as site:
        yield site


@pytest.fixture(scope="module")
def behind_proxy(settings: Settings) -> Iterator[Site]:
    """Served to a proxy on this machine."""
    with serving(settings, access=PROXY) as site:
        yield site


def answer(site: Site, *headers: str) -> RawAnswer:
    found = ask_raw(site.origin, get("/data", *headers))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8321", "127.8.9.1", "localhost", "LOCALHOST:80", "LocalHost", "[::1]", "[::1]:8321"],
)
def test_this_machine_is_answered_by_each_of_its_names(alone: Site, host: str) -> None:
    assert answer(alone, f"Host: {host}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8321",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "localhost.",
        "10.0.0.5",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "[::1",
        "[::1]evil.example",
        "[::ffff:10.0.0.1]",
        "localhost@evil.example",
        "localhost:80@evil.example",
        "localhost:8321/evil",
        "localhost, evil.example",
        "localhost evil.example",
        "\u00e4.example",
        "xn--localhost",
        ":8321",
        "",
        "a" * 5000,
    ],
)
def test_f115_a_name_that_another_site_could_have_made_resolve_to_this_machine_is_refused(
    alone: Site, host: str
) -> None:
    found = answer(alone, f"Host: {host}")
    assert found.status == 421
    assert "--allowed-host" in found.body
    around = ("cost is an estimate from credits", '<a href="/credits">credits</a>')
    assert "credits" not in found.body.lower().replace(around[0], "").replace(around[1], "")
    assert host[:20] == "" or host[:20] not in found.body or host in {"0.0.0.0"}


@pytest.mark.parametrize("headers", [(), ("Host: localhost", "Host: evil.example"), ("Host: localhost",) * 2])
def test_no_host_and_two_hosts_are_no_request(alone: Site, headers: tuple[str, ...]) -> None:
    assert answer(alone, *headers).status == 400


def test_an_old_request_without_a_host_is_refused(alone: Site) -> None:
    found = ask_raw(alone.origin, b"GET / HTTP/1.0\r\n\r\n")
    assert found is not None and found.status == 421


@pytest.mark.parametrize("path", ["/", "/api/report", "/report.csv", "/anomalies/decide"])
def test_no_page_download_or_form_is_reached_by_another_name(alone: Site, path: str) -> None:
    method = "POST" if path.endswith("decide") else "GET"
    request = f"{method} {path} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    found = ask_raw(alone.origin, request.encode())
    assert found is not None and found.status == 421


def test_a_name_that_was_allowed_is_answered_in_any_case_and_no_name_below_it(settings: Settings) -> None:
    with serving(settings, access=Access(frozenset({"cost.example.com"}), public="public.example.com:8443")) as site:
        assert answer(site, "Host: Cost.Example.com:8321").status == 200
        assert answer(site, "Host: public.example.com:8443").status == 200
        assert answer(site, "Host: public.example.com").status == 200
        assert answer(site, "Host: a.cost.example.com").status == 421
        assert answer(site, "Host: 10.0.0.5").status == 421


def test_without_a_login_an_address_will_do_but_no_unknown_name(settings: Settings) -> None:
    open_to_all = _access("0.0.0.0", (), (), "X-Forwarded-User", no_login=True)
    with serving(settings, access=open_to_all) as site:
        for host in ("10.0.0.5:8321", "[fd00::5]:8321", socket.gethostname().upper(), "localhost"):
            assert answer(site, f"Host: {host}").status == 200
        for host in ("evil.example", "10.0.0.5.evil.example", f"{socket.gethostname()}.evil.example"):
            assert answer(site, f"Host: {host}").status == 421


def test_the_user_that_the_proxy_names_is_shown_and_is_text(behind_proxy: Site) -> None:
    found = answer(behind_proxy, "Host: cost.example.com", "X-Forwarded-User: <script>alert(1)</script>")
    assert found.status == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found.body
    assert "<script>alert" not in found.body


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("X-Forwarded-User:",),
        ("X-Forwarded-User:   ",),
        ("X-Forwarded-User: ann", "X-Forwarded-User: bob"),
        ("X-Forwarded-User: ann", "x-forwarded-user: bob"),
        ("X-Forwarded-User: " + "a" * 201,),
        ("X_Forwarded_User: ann",),
        ("X-Forwarded-Users: ann",),
        ("Authorization: Basic YW5uOmFubg==",),
    ],
)
def test_a_proxy_that_names_no_user_or_several_gets_nothing(behind_proxy: Site, headers: tuple[str, ...]) -> None:
    found = answer(behind_proxy, "Host: cost.example.com", *headers)
    assert found.status == 401
    assert "one header X-Forwarded-User" in found.body


def test_whoever_is_not_the_proxy_gets_nothing_whatever_its_headers_say(settings: Settings) -> None:
    with serving(settings, access=replace(PROXY, proxies=networks(["10.0.0.0/24"]))) as site:
        found = answer(
            site, "Host: cost.example.com", "X-Forwarded-User: ann", "X-Forwarded-For: 10.0.0.5", "X-Real-IP: 10.0.0.5"
        )
        assert found.status == 403
        assert "through the proxy" in found.body


@pytest.mark.parametrize(
    ("peer", "proxies", "is_answered"),
    [
        ("10.0.0.5", ["10.0.0.0/24"], True),
        ("10.0.1.5", ["10.0.0.0/24"], False),
        ("::ffff:10.0.0.5", ["10.0.0.5"], True),
        ("::ffff:10.0.0.6", ["10.0.0.5"], False),
        ("fd00::5", ["fd00::/8", "10.0.0.5"], True),
        ("", ["0.0.0.0/0"], False),
        ("testclient", ["0.0.0.0/0"], False),
    ],
)
def test_the_proxy_is_known_by_its_address_in_either_version(peer: str, proxies: list[str], is_answered: bool) -> None:
    headers = [(b"host", b"localhost"), (b"x-forwarded-user", b"ann")]
    connection = HTTPConnection({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})
    access = Access(proxies=networks(proxies))
    if is_answered:
        assert access.user_of(connection) == "ann"
    else:
        with pytest.raises(Refused) as caught:
            access.user_of(connection)
        assert caught.value.status == 403


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "name the proxy that logs users in with --trusted-proxy ADDRESS, or say --no-login"),
        (["--host", "::"], "--trusted-proxy ADDRESS"),
        (["--host", "10.0.0.5", "--allowed-host", "a.example"], "--trusted-proxy ADDRESS"),
        (["--host", "ci-cost.example.com"], "is no IP address"),
        (["--host", ""], "is no IP address"),
        (["--trusted-proxy", "proxy.example.com"], "write an address such as 10.0.0.5"),
        (["--trusted-proxy", "10.0.0.5", "--no-login"], "exclude each other"),
        (["--allowed-host", "https://a.example"], "write a host name alone"),
        (["--allowed-host", "a.example:8321"], "write a host name alone"),
        (["--allowed-host", "*"], "write a host name alone"),
        (["--allowed-host", ""], "write a host name alone"),
        (["--user-header", "X User"], "is no name of a header"),
        (["--user-header", "X-Üser"], "is no name of a header"),
        (["--user-header", ""], "is no name of a header"),
        (["--port", "65536"], "65536"),
    ],
)
def test_f115_what_would_not_work_or_open_the_costs_by_accident_is_refused_with_code_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["serve", "--port", "0", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"no_login": True}, "everyone who reaches this machine, without a login, can read all costs"),
        ({"proxies": ("10.0.0.5",)}, "everyone whom the proxy names in X-Forwarded-User can read all costs"),
    ],
)
def test_what_an_open_address_means_is_said(
    options: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    proxies = options.get("proxies", ())
    assert isinstance(proxies, tuple)
    _access("0.0.0.0", (), proxies, "X-Forwarded-User", no_login=bool(options.get("no_login")))
    assert (
        f"Warning: listening on 0.0.0.0: {said}. Pages are sent without encryption (http)." in capsys.readouterr().err
    )


def test_on_this_machine_nothing_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert _access("127.0.0.1", (), (), "X-Forwarded-User", no_login=False) == Access()
    assert capsys.readouterr().err == ""


def test_a_port_that_is_taken_is_one_sentence_and_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(tmp_path)
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["serve", "--port", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"Error: Cannot listen on 127.0.0.1, port {port} (Address already in use); take another --port, or 0 for a "
        "free one.\n"
    )


def test_a_network_is_no_proxy_of_its_whole_class_by_a_typing_error() -> None:
    with pytest.raises(UsageError):
        _access("127.0.0.1", (), ("10.0.0.5/40",), "X-Forwarded-User", no_login=False)
    assert networks(["10.0.0.5/24"]) == (ipaddress.ip_network("10.0.0.0/24"),)
