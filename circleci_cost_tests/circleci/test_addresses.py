"""Which addresses are asked, and which never."""

from typing import Any

import pytest

from circleci_cost.circleci import Connection
from circleci_cost.circleci.addresses import api_address, download_address, identity
from circleci_cost.errors import ConfigurationError, SourceError

SIGNED = "?X-Amz-Expires=129600&X-Amz-Signature=canary_signature"
GOOD = f"https://usage-exports.s3.us-east-1.amazonaws.com/acme/part-0.csv.gz{SIGNED}"


def connection(**changes: Any) -> Connection:
    settings: dict[str, Any] = {"cost_center": "acme", "organization_id": "", "token": "x", "token_env": "T"}
    return Connection(**settings | changes)


def test_an_object_store_of_the_allowed_domain_is_asked_as_it_was_signed() -> None:
    assert str(download_address(GOOD, "part 1 of 1", connection())) == GOOD
    assert str(download_address(GOOD.replace(".com/", ".com:443/"), "part 1 of 1", connection())) == GOOD
    named = connection(download_hosts=("files.example",))
    assert download_address("https://FILES.example/a", "part 1 of 1", named).host == "files.example"


NOT_ALLOWED = "which is not an allowed download host (*.amazonaws.com)"
REFUSED = {
    f"https://evil.example/a{SIGNED}": f"evil.example, {NOT_ALLOWED}",
    "https://amazonaws.com/a": f"amazonaws.com, {NOT_ALLOWED}",
    "https://evilamazonaws.com/a": f"evilamazonaws.com, {NOT_ALLOWED}",
    "https://x.amazonaws.com.evil.example/": f"x.amazonaws.com.evil.example, {NOT_ALLOWED}",
    "https://x.amazonaws.com./a": f"an unreadable host, {NOT_ALLOWED}",
    "http://x.amazonaws.com/a": "x.amazonaws.com, over http instead of https",
    "ftp://x.amazonaws.com/a": "x.amazonaws.com, over ftp instead of https",
    "https://x.amazonaws.com:8443/a": "x.amazonaws.com, on port 8443 instead of 443",
    "https://user:pass@x.amazonaws.com/a": "x.amazonaws.com, with a user name or password in it",
    "https://169.254.169.254/latest/meta-data/": f"169.254.169.254, {NOT_ALLOWED}",
    "http://169.254.169.254/": "169.254.169.254, over http instead of https",
    "https://[::1]/a": f"an unreadable host, {NOT_ALLOWED}",
    "https://2130706433/a": f"2130706433, {NOT_ALLOWED}",
    "http://127.0.0.1:9/a": "127.0.0.1, over http instead of https",
    "https://x.amazonaws.com@evil.example/a": "evil.example, with a user name or password in it",
    "https://evil.example#@x.amazonaws.com/": f"evil.example, {NOT_ALLOWED}",
}


@pytest.mark.parametrize("url", REFUSED)
def test_f039_a_host_that_is_not_allowed_is_named_and_never_asked(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        download_address(url, "part 2 of 3", connection())
    assert str(caught.value) == (
        f"The URL of part 2 of 3 of a usage export of acme points to {REFUSED[url]}; nothing was requested "
        "from it. Add the host to download_hosts only if CircleCI says that it stores exports there."
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "https://",
        "https:///a",
        "https://x.amazonaws.com\\@evil.example/",
        "https://a\nb.amazonaws.com/",
    ],
)
def test_f109_what_parsers_read_differently_is_no_web_address(url: str) -> None:
    with pytest.raises(SourceError, match=r"^The URL of part 1 of 1 of a usage export of acme is not a web address"):
        download_address(url, "part 1 of 1", connection())


def test_f039_numbers_that_resolvers_take_for_an_address_are_refused_even_if_named() -> None:
    for host in ("127.1", "0x7f.1", "2130706433", "0177.0.0.1"):
        with pytest.raises(SourceError, match=r"not an allowed download host|not a web address"):
            download_address(f"https://{host}/", "part 1 of 1", connection(download_hosts=(host,)))


def test_a_simulator_on_loopback_may_serve_downloads_itself_and_only_itself() -> None:
    simulated = connection(base_url="http://127.0.0.1:8080/api/v2")
    assert download_address("http://127.0.0.1:8080/download/1", "part 1 of 1", simulated).port == 8080
    for url in ("http://localhost/download/1", "http://127.0.0.2/", "http://10.0.0.1/"):
        with pytest.raises(SourceError, match="over http instead of https"):
            download_address(url, "part 1 of 1", simulated)
    with pytest.raises(SourceError, match="over http instead of https"):
        download_address("http://circleci.com/a", "part 1 of 1", connection())


def test_the_token_goes_out_over_https_or_stays_on_this_machine() -> None:
    assert str(api_address("https://circleci.com/api/v2/")) == "https://circleci.com/api/v2"
    assert str(api_address("http://[::1]:80/api/v2")) == "http://[::1]/api/v2"
    for url, message in {
        "http://circleci.com/api/v2": "plain http",
        "https://user:secret@circleci.com/": "a user, a query or a fragment",
        "circleci.com/api/v2": "is not a web address",
        "file:///etc/passwd": "is not a web address",
    }.items():
        with pytest.raises(ConfigurationError, match=message) as caught:
            api_address(url)
        assert "secret" not in str(caught.value)


def test_a_fresh_url_is_known_by_host_and_path() -> None:
    assert identity(GOOD) == "usage-exports.s3.us-east-1.amazonaws.com/acme/part-0.csv.gz"
