"""Fixtures of the notifications' tests: a site with an outbox, an HTTP server, an SMTP server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from circleci_cost_tests.notify.harness import Site, secrets
from circleci_cost_tests.notify.mailbox import Mailbox
from circleci_cost_tests.notify.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, receiver: Receiver) -> Site:
    return Site(tmp_path, environment=secrets(receiver))
