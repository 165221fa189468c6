"""A canary token and canary signatures are nowhere, whatever goes wrong."""

import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace

import pytest

from circleci_cost.circleci import Account, Connection, Polling
from circleci_cost.circleci.calls import Calls
from circleci_cost.circleci.http import ApiClient
from circleci_cost.errors import CircleciCostError
from circleci_cost.simulator.exchange import Exchange
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.circleci.harness import QUICK, TOKEN, Harness
from circleci_cost_tests.simulator_faults import actions, damage
from circleci_cost_tests.simulator_faults import connection_actions as broken

ECHO = actions.Respond(
    400, {"message": f"bad token {TOKEN} for https://x.amazonaws.com/p?X-Amz-Signature=canary_signature"}
)


class Logs(logging.Handler):
    """Keeps what any logger says, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(self.format(record))


@pytest.fixture
def logs() -> Iterator[Logs]:
    handler, root = Logs(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


FAULTS: list[tuple[str, Action]] = [
    ("create", ECHO),
    ("create", actions.Respond(401, {"message": TOKEN})),
    ("create", actions.redirect(f"https://evil.example/?token={TOKEN}")),
    ("create", broken.Drop(reset=True)),
    ("poll", ECHO),
    ("poll", actions.Respond(500, {"message": TOKEN})),
    (
        "poll",
        actions.failed_export(f"see https://x.amazonaws.com/p?X-Amz-Signature=canary_signature {TOKEN}"),
    ),
    ("poll", replace(actions.in_state(f"https://x/?signature=canary_signature {TOKEN}"), name="odd state")),
    ("poll", actions.foreign_urls("https://evil.example")),
    ("poll", actions.foreign_urls("https://user:canary_signature@evil.example")),
    ("poll", actions.broken_json()),
    ("download", actions.expired_url()),
    ("download", actions.Respond(500)),
    ("download", actions.redirect("https://evil.example/?signature=canary_signature")),
    ("download", broken.Drop("mid-body")),
    ("download", broken.Hang()),
    ("download", damage.html_file()),
    ("download", damage.flipped_bit(3000)),
]


@pytest.mark.parametrize(("route", "action"), FAULTS, ids=[f"{route} {action.name}"[:40] for route, action in FAULTS])
def test_f107_no_secret_in_logs_errors_tracebacks_or_files(
    site: Harness, logs: Logs, route: str, action: Action
) -> None:
    minted: list[str] = []

    def note(urls: list[str]) -> list[str]:
        minted.extend(urls)
        return urls

    if route == "download":
        site.fault("poll", actions.change_urls("noted", note))
    site.fault(route, action, times=None)
    # Other tests check the reason of the failure; an unknown state is no failure.
    options = QUICK | {"polling": Polling(total_seconds=120)}
    with pytest.raises(CircleciCostError) as caught:
        site.fetch(**options)
    texts = [
        *logs.text,
        site.watcher.everything(),
        str(caught.value),
        repr(caught.value),
        "".join(traceback.format_exception(caught.value)),
        *(path.read_bytes().decode("latin-1") for path in site.lake.root.rglob("*") if path.is_file()),
        *(str(path) for path in site.lake.root.rglob("*")),
    ]
    signatures = re.findall(r"signature=(\w+)", " ".join(minted))
    assert (route == "download") == bool(signatures)
    for secret in [TOKEN, "canary_signature", "signature=", *signatures]:
        assert not [text for text in texts if secret in text]


def test_f107_a_fetch_that_works_logs_and_keeps_no_secret_either(site: Harness, logs: Logs) -> None:
    landed = site.fetch()
    texts = [
        *logs.text,
        site.watcher.everything(),
        repr(landed),
        (landed.directory / "manifest.json").read_text(),
    ]
    assert not [text for text in texts if TOKEN in text or "signature" in text or "expires=" in text]
    assert not [text for text in logs.text if text.startswith(("httpx", "httpcore"))]


def test_f107_no_repr_shows_the_token(site: Harness) -> None:
    connection = site.connection()
    with (
        ApiClient(connection.endpoint, site.clock) as client,
        Account(connection.endpoint, site.clock) as account,
    ):
        exports = site.exports(connection)
        calls = Calls(connection, client, None, site.clock, site.watcher, None)  # type: ignore[arg-type]
        shown = [
            connection,
            connection.endpoint,
            client,
            account,
            exports,
            calls,
            vars(exports),
            vars(client),
        ]
        assert not [value for value in shown if TOKEN in repr(value) or TOKEN in str(value)]
    assert isinstance(connection, Connection)
    assert connection.token == TOKEN


def test_f108_the_token_goes_to_the_api_and_never_to_the_download_host(site: Harness) -> None:
    site.fault("download", actions.Respond(500, headers={"Set-Cookie": "session=canary"}))
    site.fetch()
    assert {(record.route, record.had_token) for record in site.simulator.log} == {
        ("create", True),
        ("poll", True),
        ("download", False),
    }


def test_f108_a_download_carries_no_cookie_and_no_header_of_ours(site: Harness) -> None:
    seen: list[dict[str, str]] = []

    class Look:
        """Keeps the headers of a request."""

        name = "look"

        async def apply(self, exchange: Exchange) -> None:
            seen.append({key.decode(): value.decode() for key, value in exchange.scope["headers"]})
            await exchange.run()

    site.fault("poll", actions.change_urls("cookie", lambda urls: urls))
    site.fault("download", Look(), times=None)
    site.fetch()
    assert {frozenset(headers) for headers in seen} == {
        frozenset({"host", "accept", "accept-encoding", "connection", "user-agent"})
    }
    assert len(seen) == 3
