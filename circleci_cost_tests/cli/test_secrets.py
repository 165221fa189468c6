"""A secret pasted where it does not belong is nowhere: not on the terminal and not in Dagster's storage (f107)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.errors import CircleciCostError
from circleci_cost_tests.cli.harness import Caller, configuration
from circleci_cost_tests.pipeline.test_secrets import everything_in

HEX = "a123456789abcdef0123456789abcdef01234567"
PASSWORD = "hunter2canary"
HOOK = "https://hooks.slack.com/services/T0CANARY/B0CANARY/canarycanarycanary"
ORGANIZATION = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
WRONG = (
    configuration()
    .replace(f'"{ORGANIZATION}"', f'"{HEX}"')
    .replace('name = "acme"', f'name = "acme"\napi_token_env = "{HEX}"')
    + f'"{HEX}" = 1\n'
    + f'[[notifications.channels]]\nname = "s"\ntype = "slack"\nurl_env = "{HOOK}"\n'
    + f'[[notifications.channels]]\nname = "m"\ntype = "{PASSWORD}"\n'
)


def test_f107_loading_a_configuration_with_pasted_secrets_leaves_none_in_dagster(tmp_path: Path) -> None:
    folder, home = tmp_path / "site", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "circleci_cost.toml").write_text(WRONG)
    process = subprocess.run(
        [str(Path(sys.executable).with_name("dagster")), "definitions", "validate", "-m", "circleci_cost.definitions"],
        cwd=folder,
        env=os.environ | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    written = process.stdout + process.stderr + everything_in(home)
    assert process.returncode != 0
    assert b"line 5: cost_centers[0].organization_id: this is no UUID" in written
    assert b"line 4: cost_centers[0].api_token_env: write the name of an environment variable" in written
    for secret in (HEX, PASSWORD, HOOK, "canary"):
        assert secret.encode() not in written


@pytest.mark.parametrize("command", [["check", "--json"], ["check"], ["report"], ["sync"], ["notify", "test"]])
def test_f107_no_command_repeats_a_pasted_secret(call: Caller, command: list[str]) -> None:
    call.configure(WRONG)
    output = call(*command)
    assert output.code == 3
    assert len(output.err.splitlines()) == 5
    for secret in (HEX, PASSWORD, HOOK, "canary"):
        assert secret not in output.out + output.err


def test_f107_a_password_in_place_of_a_variables_name_is_not_repeated(call: Caller) -> None:
    channel = (
        f'[[notifications.channels]]\nname = "w"\ntype = "webhook"\nurl_env = "HOOK_URL"\nsecret_env = "{PASSWORD}"\n'
    )
    call.configure(configuration().replace('name = "acme"', f'name = "acme"\napi_token_env = "{PASSWORD}"') + channel)
    output = [call("check", "--offline"), call("check", "--offline", "--json"), call("sync"), call("notify", "test")]
    assert [each.code for each in output] == [0, 0, 4, 1]
    assert "needs the environment variable HOOK_URL, that secret_env names, which is not set" in output[0].out
    assert "the environment variable that api_token_env names is not set" in output[2].err
    for each in output:
        assert PASSWORD not in each.out + each.err


def test_f107_the_settings_show_no_webhook_address(call: Caller) -> None:
    address = "https://example.com/canary"
    channel = f'[[notifications.channels]]\nname = "w"\ntype = "webhook"\nurl = "{address}"\n'
    settings = read_settings(call.configure(configuration() + channel))
    assert settings.notifications.channels[0].name == "w"
    assert address not in repr(settings) + str(settings)


@pytest.mark.parametrize("token", [HEX, "CCIPAT_canary0123456789_canary", "Zx81canaryAbCdEfGhIjKlMn99"])
def test_f107_init_repeats_no_token_given_as_its_variables_name(call: Caller, token: str) -> None:
    output = call("init", "--token-env", token)
    assert output.code == 2
    assert "write the name of an environment variable, such as CIRCLECI_TOKEN, never the secret itself." in output.err
    assert token not in output.out + output.err


def test_f107_init_repeats_no_password_given_as_its_variables_name(call: Caller) -> None:
    output = [
        call("init", "--non-interactive", "--token-env", PASSWORD),
        call("init", "--non-interactive", "--token-env", PASSWORD, "--organization-id", ORGANIZATION),
    ]
    assert [each.code for each in output] == [4, 0]
    assert "export NAME=..." in output[1].err
    for each in output:
        assert PASSWORD not in each.out + each.err


def test_f107_no_error_of_ours_holds_a_token_wherever_it_goes() -> None:
    error = CircleciCostError(f"The answer said {HEX}.")
    assert HEX not in str(error) + repr(error)
    assert str(error) == "The answer said (hidden)."
