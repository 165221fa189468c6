"""The rule for plain http, at each place where an address is read: the same hosts everywhere."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from circleci_cost.circleci.addresses import api_address
from circleci_cost.config.api import Api
from circleci_cost.config.notifications import WebhookChannel
from circleci_cost.errors import ConfigurationError
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.http import checked_url

READERS: dict[str, Callable[[str], object]] = {
    "[api] base_url": lambda host: Api(base_url=f"{host}/api/v2"),
    "the connection's base_url": lambda host: api_address(f"{host}/api/v2"),
    "a webhook's url": lambda host: WebhookChannel(name="hook", type="webhook", url=f"{host}/hook"),
    "a webhook's variable": lambda host: checked_url(f"{host}/hook", "The variable HOOK"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "host",
    [
        *("https://example.com", "https://10.0.0.1", "HTTPS://example.com", "http://127.0.0.1:8000"),
        *("http://127.9.9.9", "http://[::1]:8000", "http://localhost:8000", "http://LOCALHOST"),
    ],
)
def test_a_secret_may_go_over_https_and_in_the_open_to_this_machine(reader: str, host: str) -> None:
    assert READERS[reader](host)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "host",
    [
        *("http://example.com", "http://10.0.0.1", "http://0.0.0.0", "http://[::2]", "http://127.0.0.1.example.com"),
        *("http://localhost.example.com", "http://2130706433", "http://127.1", "ftp://127.0.0.1", "//127.0.0.1"),
    ],
)
def test_a_secret_goes_in_the_open_to_no_other_machine(reader: str, host: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError, NotDelivered)):
        READERS[reader](host)
