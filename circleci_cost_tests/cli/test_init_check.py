"""`init` writes a configuration that works; `check` looks one over."""

import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from circleci_cost.cli.instance import prepare_dagster_home
from circleci_cost.cli.main import cli
from circleci_cost.demo import months_before
from circleci_cost.settings import read_settings
from circleci_cost.simulator import ACME_ID, ACME_LABS_ID, GLOBEX_ID, Simulator, SimulatorServer, demo_scenario
from circleci_cost_tests.cli.harness import Caller, configuration

TOKEN = "CCIPAT_canary_token_9b07"
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with SimulatorServer(Simulator(demo_scenario(TODAY), tokens=[TOKEN])) as server:
        yield server.base_url


def test_init_without_questions_takes_options_and_defaults(call: Caller) -> None:
    said = call("init", "--non-interactive", "--organization-id", ACME_ID, "--name", "acme", "--price", "0.00055")
    assert (said.code, said.out) == (0, "Wrote circleci_cost.toml.\n")
    path = call.folder / "circleci_cost.toml"
    settings = read_settings(path)
    (center,) = settings.cost_centers
    assert settings.history_start == months_before(TODAY, 13)
    assert (center.name, center.organization_id, center.api_token_env) == ("acme", ACME_ID, "CIRCLECI_TOKEN")
    assert [(str(each.price_per_credit), each.effective_from) for each in center.pricing] == [
        ("0.00055", settings.history_start)
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_init_never_overwrites_unasked(call: Caller) -> None:
    path = call.configure(configuration())
    before = path.read_bytes()
    said = call("init", "--non-interactive", "--organization-id", ACME_ID)
    assert said.code == 2
    assert "is there already and was left as it is; add --force" in said.err
    assert path.read_bytes() == before
    assert call("init", "--non-interactive", "--organization-id", ACME_ID, "--force").code == 0
    assert path.read_bytes() != before
    assert [each.name for each in call.folder.iterdir()] == ["circleci_cost.toml"]


def test_f097_init_refuses_an_absurd_price_and_writes_nothing(call: Caller) -> None:
    for price, code in (("0.6", 3), ("0", 2), ("-1", 2), ("nan", 2), ("abc", 2)):
        said = call("init", "--non-interactive", "--organization-id", ACME_ID, f"--price={price}")
        assert said.code == code
        assert list(call.folder.iterdir()) == []


def test_init_asks_and_never_shows_the_token(call: Caller, base_url: str) -> None:
    answers = f"{TOKEN}\n1\n1\n\n0.0005\n2026-01-01\n"
    done = CliRunner().invoke(cli, ["init", "--base-url", base_url], input=answers)
    assert done.exit_code == 0, done.output
    assert TOKEN not in done.output
    text = (call.folder / "circleci_cost.toml").read_text()
    assert TOKEN not in text
    (center,) = read_settings(call.folder / "circleci_cost.toml").cost_centers
    assert (center.name, center.organization_id, center.slug) == ("acme", ACME_ID, "gh/acme")
    assert center.shared_organization_ids == (ACME_LABS_ID,)
    assert "Which one pays" in done.output


def test_init_with_several_organizations_wants_to_know_which_one_pays(
    call: Caller, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    said = call("init", "--non-interactive", "--base-url", base_url)
    assert said.code == 2
    assert "say which one pays with --slug or --organization-id" in said.err
    monkeypatch.setenv("CIRCLECI_TOKEN", "CCIPAT_of_somebody_else")
    said = call("init", "--non-interactive", "--base-url", base_url)
    assert said.code == 4
    assert "(401)" in said.err


def findings(call: Caller, *options: str) -> tuple[int, dict[str, tuple[str, str]], dict[str, object]]:
    said = call("check", "--json", *options)
    content = json.loads(said.out)
    return said.code, {each["subject"]: (each["state"], each["sentence"]) for each in content["findings"]}, content


def test_check_finds_nothing_wrong(call: Caller, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    call.configure(configuration() + f'[api]\nbase_url = "{base_url}"\n')
    code, found, content = findings(call)
    assert code == 0
    assert {state for state, _ in found.values()} == {"ok"}
    assert found["access"][1].startswith(f"acme: acme-labs ({ACME_LABS_ID})")
    assert content["prices"] == [
        {
            "cost_center": "acme",
            "price_per_credit": "0.0006",
            "from": "2020-01-01",
            "until": None,
            "days": (TODAY - datetime(2020, 1, 1, tzinfo=UTC).date()).days + 1,
        }
    ]


def test_check_tells_a_bad_token_from_a_wrong_organization(
    call: Caller, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = configuration() + f'[api]\nbase_url = "{base_url}"\n'
    call.configure(text)
    assert findings(call)[0] == 4
    monkeypatch.setenv("CIRCLECI_TOKEN", "CCIPAT_of_somebody_else")
    code, found, _ = findings(call)
    assert (code, found["token"][0]) == (4, "error")
    assert "(401)" in found["token"][1]
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    call.configure(text.replace(ACME_ID, GLOBEX_ID.replace("e", "f")))
    code, found, _ = findings(call)
    assert code == 3
    assert "(404)" in found["access"][1]


def test_f095_overlapping_prices_are_refused_with_their_days(call: Caller) -> None:
    more = "[[cost_centers.pricing]]\nprice_per_credit = 0.0007\neffective_from = 2026-03-01\n"
    call.configure(configuration() + "effective_until = 2026-03-31\n" + more)
    for command in ("check", "reprice", "report"):
        said = call(command)
        assert (said.code, said.out) == (3, "")
        assert "overlap on 2026-03-01 to 2026-03-31; end the earlier one the day before" in said.err


def test_f094_check_names_the_days_without_a_price(call: Caller) -> None:
    until = TODAY - timedelta(days=2)
    call.configure(configuration() + f"effective_until = {until}\n")
    code, found, content = findings(call, "--offline")
    assert code == 3
    assert found["prices"][0] == "error"
    assert f"acme: no price on {until + timedelta(days=1)} to {TODAY} (2 days)" in found["prices"][1]
    assert content["unpriced_days"] == [
        {"cost_center": "acme", "from": f"{until + timedelta(days=1)}", "to": f"{TODAY}"}
    ]
    said = call("check", "--offline")
    assert said.code == 3
    assert "gap: usage stays unpriced" in said.out


def test_check_warns_of_a_price_that_ends_and_of_tokens_that_others_can_read(call: Caller) -> None:
    call.configure(configuration() + f"effective_until = {TODAY + timedelta(days=10)}\n")
    (call.folder / ".env").write_text("UNRELATED_TO_THIS_TEST=1\n")
    (call.folder / ".env").chmod(0o644)
    said = call("check", "--offline")
    os.environ.pop("UNRELATED_TO_THIS_TEST", None)
    assert said.code == 0
    assert f"the price ends on {TODAY + timedelta(days=10)} and none follows" in said.out
    assert "run `chmod 600" in said.out


def test_the_env_beside_the_configuration_is_read_and_overrides_nothing(
    call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "circleci_cost.toml").write_text(configuration())
    (folder / ".env").write_text("CIRCLECI_TOKEN=from the file\nSET_ALREADY=from the file\n")
    monkeypatch.setenv("SET_ALREADY", "from the environment")
    assert call("--config", folder / "circleci_cost.toml", "check", "--offline").code == 0
    assert os.environ.pop("CIRCLECI_TOKEN") == "from the file"
    assert os.environ["SET_ALREADY"] == "from the environment"


def test_f118_check_names_what_others_can_read_or_replace(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    path, env, home = call.configure(configuration()), call.folder / ".env", call.folder / "home"
    env.write_text("")
    home.mkdir()
    (call.folder / "data").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))

    def warned() -> list[str]:
        content = json.loads(call("check", "--offline", "--json").out)
        return [each["sentence"] for each in content["findings"] if each["subject"] == "permissions"]

    for each in (call.folder, home, call.folder / "data"):
        each.chmod(0o755)
    path.chmod(0o644)
    env.chmod(0o600)
    assert warned() == []
    for mode in (0o640, 0o604, 0o660, 0o666):
        env.chmod(mode)
        assert warned() == [f"{env} holds tokens and can be read by other users of this machine; run `chmod 600 {env}`"]
    env.chmod(0o600)
    path.chmod(0o646)
    for each in (call.folder, home, call.folder / "data"):
        each.chmod(0o757)
    assert sorted(warned()) == sorted(
        [
            f"{path}: it can be changed by every user of this machine; run `chmod o-w {path}`",
            *(
                f"{each}: what is in it can be replaced by every user of this machine; run `chmod o-w {each}`"
                for each in (call.folder, home, call.folder / "data")
            ),
        ]
    )
    path.chmod(0o644)
    for each in (call.folder, home, call.folder / "data"):
        each.chmod(0o1777)
    assert warned() == []


def test_f118_what_is_written_for_its_owner_is_so_whatever_the_umask(call: Caller) -> None:
    before = os.umask(0)
    try:
        said = call("init", "--non-interactive", "--name", "acme", "--organization-id", ACME_ID)
        home = prepare_dagster_home(read_settings(call.folder / "circleci_cost.toml"))
    finally:
        os.umask(before)
    assert said.code == 0
    assert stat.S_IMODE((call.folder / "circleci_cost.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_dagster_home_of_nobody_is_a_sentence(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    call.configure(configuration())
    monkeypatch.setenv("DAGSTER_HOME", "~nobody-at-all/home")
    said = call("check", "--offline")
    assert said.code == 3
    assert "names a user that this machine does not have" in said.err
