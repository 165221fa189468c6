"""Which text is taken for a secret, and which looks similar and is a name."""

import time
from pathlib import Path

import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.text.secrets import looks_secret, without_secrets

_RANDOM = "Zx81kQpAbCdEfGhIjKlMn99"
_HEX = "3f786850e387550fdab836ed7e6dc881de23001b"
SECRETS = [
    f"CCIPAT_{_RANDOM}",
    f"CCIPRJ_{_RANDOM}",
    f"ghp_{_RANDOM}{_RANDOM}",
    f"github_pat_{_RANDOM}_{_RANDOM}",
    f"sk-{_RANDOM}",
    f"sk-ant-api03-{_RANDOM}-{_RANDOM}",
    f"glpat-{_RANDOM}",
    "xoxb-123456789012-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    _HEX,
    f"https://hooks.slack.com/services/T0/B0/{_RANDOM}",
    f"https://acme.webhook.office.com/webhookb2/{_RANDOM}",
    f"https://chat.example/api/webhooks/123456789012345678/{_RANDOM}",
    f"https://prod.logic.azure.com/workflows/x?sp=run&sig={_RANDOM}",
]
NAMES = [
    "risk-management",
    "task-scheduler",
    "disk-cleanup-nightly",
    "sk-team-internationalization",
    "sk-1234-fix-the-login-page",
    "insights_dashboard",
    "weights_and_biases",
    "ghr_runner_prod",
    "4" * 40,
    "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
    "3f786850-e387-550f-dab8-36ed7e6dc881",
    "https://status.circleci.com",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_of_a_sentence_and_known_alone(secret: str) -> None:
    assert without_secrets(f"The value {secret!r} of /srv/{secret} is none.").count("(hidden)") == 2
    assert _RANDOM not in without_secrets(f"({secret})")
    assert looks_secret(secret)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_only_ends_or_begins_like_a_secret_stays(name: str) -> None:
    assert without_secrets(f"/srv/{name}/data: {name}.") == f"/srv/{name}/data: {name}."


@pytest.mark.parametrize("name", ["risk-management", "task-scheduler", "insights_dashboard"])
def test_such_a_name_can_name_a_cost_center(name: str, tmp_path: Path) -> None:
    file = tmp_path / "circleci_cost.toml"
    file.write_text(
        'history_start = 2026-01-01\n[[cost_centers]]\norganization_id = "3f786850-e387-550f-dab8-36ed7e6dc881"\n'
        f'api_token_env = "CIRCLECI_TOKEN"\nname = "{name}"\n'
    )
    assert read_settings(file).cost_centers[0].name == name


def test_a_long_text_of_many_addresses_is_searched_quickly() -> None:
    text = "http://a" * 50_000
    began = time.process_time()
    assert without_secrets(text) == text
    assert time.process_time() - began < 2
