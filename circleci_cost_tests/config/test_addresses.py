"""Addresses of pages and services: one sentence for each that is none, and no password in it is repeated."""

from pathlib import Path

import pytest

from circleci_cost_tests.config.test_settings import VALID, refusal

SECTIONS = {
    "explorer.dagster_url": "[explorer]\ndagster_url = ",
    "explorer.public_url": "[explorer]\npublic_url = ",
    "notifications.link": "[notifications]\nlink = ",
    "notifications.channels[0].url": '[[notifications.channels]]\nname = "a"\ntype = "webhook"\nurl = ',
}


@pytest.mark.parametrize("key", SECTIONS)
@pytest.mark.parametrize(
    "address",
    [
        # Python's words about this one repeat what stands before the host.
        "https://user:canary\u2100@example.com/",
        "https://[canary/",
        "https://example.com/canary\u202e",
        "https://example.com/canary canary",
        "https://canary:x@example.com",
        "https://exam\uff0fple.com/canary",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(tmp_path: Path, key: str, address: str) -> None:
    refused = refusal(tmp_path, f'{VALID}{SECTIONS[key]}"{address}"\n')
    line = VALID.count("\n") + SECTIONS[key].count("\n") + 1
    assert refused.startswith(f"FILE, line {line}: {key}: ")
    assert "canary" not in refused
    assert "\n" not in refused


def test_a_password_in_a_link_is_to_be_left_out(tmp_path: Path) -> None:
    message = refusal(tmp_path, f'{VALID}[explorer]\ndagster_url = "https://finops:canary@dagster.example.com"\n')
    assert message.endswith("there is a user name or password in it; leave it out: the page asks for it.")
