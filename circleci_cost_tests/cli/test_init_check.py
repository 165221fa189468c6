"""`init` writes a configuration that works; `check` looks one over."""

import json
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from circleci_cost.cli.instance import prepare_dagster_home
from circleci_cost.cli.main import cli
from circleci_cost.config.settings import read_settings
from circleci_cost.days import months_later
from circleci_cost.simulator import ACME_ID, ACME_LABS_ID, GLOBEX_ID, Simulator, SimulatorServer, demo_scenario
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows

TOKEN = "CCIPAT_canary_token_9b07"
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with SimulatorServer(Simulator(demo_scenario(TODAY), tokens=[TOKEN])) as server:
        yield server.base_url


def test_init_without_questions_takes_options_and_defaults(call: Caller) -> None:
    output = call("init", "--non-interactive", "--organization-id", ACME_ID, "--name", "acme", "--price", "0.00055")
    assert (output.code, output.out) == (0, "Wrote circleci_cost.toml.\n")
    path = call.folder / "circleci_cost.toml"
    settings = read_settings(path)
    (center,) = settings.cost_centers
    assert settings.history_start == months_later(TODAY, -13)
    assert (center.name, center.organization_id, center.api_token_env) == ("acme", ACME_ID, "CIRCLECI_TOKEN")
    assert [(str(each.price_per_credit), each.effective_from) for each in center.pricing] == [
        ("0.00055", settings.history_start)
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_init_never_overwrites_unasked(call: Caller) -> None:
    path = call.configure(configuration())
    before = path.read_bytes()
    output = call("init", "--non-interactive", "--organization-id", ACME_ID)
    assert output.code == 2
    assert "is there already and was left as it is; add --force" in output.err
    assert path.read_bytes() == before
    assert call("init", "--non-interactive", "--organization-id", ACME_ID, "--force").code == 0
    assert path.read_bytes() != before
    assert sorted(each.name for each in call.folder.iterdir()) == [
        ".dagster_home", ".env", "circleci_cost.toml", "circleci_cost_location", "dg.toml", "workspace.yaml",
    ]  # fmt: skip


def test_f097_init_refuses_an_absurd_price_and_writes_nothing(call: Caller) -> None:
    for price, code in (("0.6", 2), ("-1", 2), ("nan", 2), ("abc", 2)):
        output = call("init", "--non-interactive", "--organization-id", ACME_ID, f"--price={price}")
        assert output.code == code
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
    output = call("init", "--non-interactive", "--base-url", base_url)
    assert output.code == 2
    assert "say which one pays with --slug or --organization-id" in output.err
    monkeypatch.setenv("CIRCLECI_TOKEN", "CCIPAT_of_somebody_else")
    output = call("init", "--non-interactive", "--base-url", base_url)
    assert output.code == 4
    assert "(401)" in output.err


def findings(call: Caller, *options: str) -> tuple[int, dict[str, tuple[str, str]], dict[str, object]]:
    output = call("check", "--json", *options)
    content = json.loads(output.out)
    return output.code, {each["subject"]: (each["state"], each["sentence"]) for each in content["findings"]}, content


def test_check_finds_nothing_wrong(call: Caller, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    call.configure(configuration() + f'[api]\nbase_url = "{base_url}"\n')
    code, states, content = findings(call)
    assert code == 0
    assert {state for state, _ in states.values()} == {"ok"}
    assert "the first export is refused (exit 4)" in states["admin rights"][1]
    assert states["access"][1].startswith(f"acme: acme-labs ({ACME_LABS_ID})")
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
    code, states, _ = findings(call)
    assert (code, states["token"][0]) == (4, "error")
    assert "(401)" in states["token"][1]
    assert states["token"][1].count("CIRCLECI_TOKEN") == 1
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    call.configure(text.replace(ACME_ID, GLOBEX_ID.replace("e", "f")))
    code, states, _ = findings(call)
    assert code == 3
    assert "(404)" in states["access"][1]


def test_f095_overlapping_prices_are_refused_with_their_days(call: Caller) -> None:
    more = "[[cost_centers.pricing]]\nprice_per_credit = 0.0007\neffective_from = 2026-03-01\n"
    call.configure(configuration() + "effective_until = 2026-03-31\n" + more)
    for command in ("check", "reprice", "report"):
        output = call(command)
        assert (output.code, output.out) == (3, "")
        assert "overlap on 2026-03-01 to 2026-03-31; end the earlier one the day before" in output.err


def test_f094_check_names_the_days_without_a_price(call: Caller) -> None:
    until = TODAY - timedelta(days=2)
    call.configure(configuration() + f"effective_until = {until}\n")
    code, states, content = findings(call, "--offline")
    assert code == 3
    assert states["prices"][0] == "error"
    assert f"acme: no price on {until + timedelta(days=1)} to {TODAY} (2 days)" in states["prices"][1]
    assert states["prices"][1].endswith(f"for these days ({call.folder / 'circleci_cost.toml'}, line 6)")
    assert content["unpriced_days"] == [
        {"cost_center": "acme", "from": f"{until + timedelta(days=1)}", "to": f"{TODAY}"}
    ]
    output = call("check", "--offline")
    assert output.code == 3
    assert "gap: usage stays unpriced" in output.out


def test_check_warns_of_a_price_that_ends_and_of_tokens_that_others_can_read(call: Caller) -> None:
    call.configure(configuration() + f"effective_until = {TODAY + timedelta(days=10)}\n")
    (call.folder / ".env").write_text("UNRELATED_TO_THIS_TEST=1\n")
    (call.folder / ".env").chmod(0o644)
    output = call("check", "--offline")
    os.environ.pop("UNRELATED_TO_THIS_TEST", None)
    assert output.code == 0
    assert f"the price ends on {TODAY + timedelta(days=10)} and none follows" in output.out
    assert "run `chmod 600" in output.out


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
        output = call("init", "--non-interactive", "--name", "acme", "--organization-id", ACME_ID)
        home = prepare_dagster_home(read_settings(call.folder / "circleci_cost.toml"))
    finally:
        os.umask(before)
    assert output.code == 0
    assert stat.S_IMODE((call.folder / "circleci_cost.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_dagster_home_of_nobody_is_a_sentence(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    call.configure(configuration())
    monkeypatch.setenv("DAGSTER_HOME", "~nobody-at-all/home")
    output = call("check", "--offline")
    assert output.code == 3
    assert "names a user that this machine does not have" in output.err


def asked(answers: str, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["init", *options], input=answers)
    return done.exit_code, done.output


def test_init_asks_again_until_an_answer_can_be(call: Caller, base_url: str) -> None:
    names = f"Acme Inc\n{'a' * 64}\nacme|1\nacme\n"
    prices = "abc\n-1\n0.6\nn\n0.0006\n"
    code, output = asked(f"CCIPAT_of_somebody_else\n{TOKEN}\n9\n1\n7\none\n1\n{names}{prices}2026-13-01\n2026-01-01\n",
                       "--base-url", base_url)  # fmt: skip
    assert code == 0, output
    assert output.count("use lower-case letters, digits, - and _") == 3
    assert output.count("this is no price") == 2
    assert "price_per_credit 0.6 is outside 0.00001 to 0.01 USD per credit (list price: 0.0006). Is it right?" in output
    assert output.count("Write numbers from 1 to") == 2
    assert "(401)" in output
    assert "'2026-13-01' is no day" in output
    (center,) = read_settings(call.folder / "circleci_cost.toml").cost_centers
    assert (center.name, str(center.pricing[0].price_per_credit), center.pricing[0].confirm) == (
        "acme",
        "0.0006",
        False,
    )


def test_init_takes_an_unusual_price_and_a_price_of_0_when_they_are_confirmed(call: Caller, base_url: str) -> None:
    options = ("--organization-id", ACME_ID, "--force")
    for answer, price, confirm in (
        ("0.6\ny\n", "0.6", True),
        ("0\ny\n", "0", False),
        ("0\nn\n0.001\n", "0.001", False),
    ):
        code, output = asked(f"acme\n{answer}2026-01-01\n", *options)
        assert code == 0, output
        (center,) = read_settings(call.folder / "circleci_cost.toml").cost_centers
        assert (str(center.pricing[0].price_per_credit), center.pricing[0].confirm) == (price, confirm)
    free = call("init", "--non-interactive", *options, "--price", "0")
    assert (free.code, free.err.splitlines()[0]) == (0, "The price is 0: every cost will be $0, as on a free plan.")
    assert call("init", "--non-interactive", *options, "--price", "0.6").code == 2
    assert call("init", "--non-interactive", *options, "--price", "0.6", "--confirm-price").code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--organization-id", "gh/acme"],
        ["--organization-id", ACME_ID, "--name", "Acme Inc"],
        ["--organization-id", ACME_ID, "--slug", "acme"],
        ["--organization-id", ACME_ID, "--shared-organization-id", "1"],
        ["--organization-id", ACME_ID, "--history-start", "2999-01-01"],
        ["--organization-id", ACME_ID, "--base-url", "https://circleci.com"],
        ["--organization-id", ACME_ID, "--effective-from", "01.02.2026"],
    ],
)
def test_init_refuses_an_option_that_cannot_be_without_citing_a_file(call: Caller, options: list[str]) -> None:
    output = call("init", "--non-interactive", *options)
    assert (output.code, output.out) == (2, "")
    assert output.err.startswith(f"Error: Invalid value for '{options[-2]}': ")
    assert "line" not in output.err
    assert list(call.folder.iterdir()) == []


def test_init_without_a_token_says_where_it_looks_for_one(call: Caller) -> None:
    output = call("init", "--non-interactive")
    assert output.code == 4
    assert "CIRCLECI_TOKEN is not set, and no line of .env sets it" in output.err


def test_init_reads_the_token_from_the_env_beside_the_configuration(
    call: Caller, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = call.folder / "elsewhere"
    folder.mkdir()
    (folder / ".env").write_text(f"CIRCLECI_TOKEN={TOKEN}\nthis is no variable\nCCIPAT_pasted_alone\n")
    monkeypatch.setenv("CIRCLECI_TOKEN", "to be restored")
    monkeypatch.delenv("CIRCLECI_TOKEN")
    monkeypatch.setenv("CIRCLECI_COST_CONFIG", str(folder / "circleci_cost.toml"))
    output = call("init", "--non-interactive", "--base-url", base_url, "--slug", "gh/acme")
    os.environ.pop("CIRCLECI_TOKEN", None)
    assert (output.code, output.out) == (0, f"Wrote {folder / 'circleci_cost.toml'}.\n"), output.err
    lines = output.err.splitlines()
    assert lines[0] == (
        f"Warning: {folder / '.env'}, lines 2, 3: these set no variable and are left out; write NAME=value."
    )
    assert "CCIPAT" not in output.err and "dotenv" not in output.err
    assert TOKEN not in output.err


def test_init_leaves_a_folder_in_which_dagster_dev_works_and_nothing_of_the_user_s_is_replaced(call: Caller) -> None:
    own = {"workspace.yaml": "load_from: []\n", "dg.toml": "# mine\n", ".env": "OWN=1"}
    for name, text in own.items():
        (call.folder / name).write_text(text)
    output = call("init", "--non-interactive", "--organization-id", ACME_ID)
    os.environ.pop("OWN", None)
    home = call.folder / ".dagster_home"
    assert output.code == 0
    assert f"Added DAGSTER_HOME to {call.folder / '.env'}, for `dagster dev`." in output.err
    # The user's own workspace does not hold this project.
    assert "  dagster dev -m circleci_cost.definitions " in output.err
    assert {name: (call.folder / name).read_text() for name in own} == own | {".env": f"OWN=1\nDAGSTER_HOME={home}\n"}
    assert "telemetry:\n  enabled: false" in (home / "dagster.yaml").read_text()
    assert call("init", "--non-interactive", "--organization-id", ACME_ID, "--force").code == 0
    os.environ.pop("OWN", None)
    assert (call.folder / ".env").read_text().count("DAGSTER_HOME") == 1


def test_dagster_started_in_the_folder_of_init_keeps_its_records_there_without_telemetry(call: Caller) -> None:
    output = call("init", "--non-interactive", "--organization-id", ACME_ID)
    assert output.err.splitlines()[-1] == (
        "  dagster dev             assets, runs, daily schedule: http://127.0.0.1:3000"
    )
    assert max(len(line) for line in output.err.splitlines() if "http" in line) <= 80
    assert stat.S_IMODE((call.folder / ".env").stat().st_mode) == 0o600
    # What `dagster dev` does before it starts its services.
    code = (
        "import json, logging\n"
        "from dagster._cli.utils import get_possibly_temporary_instance_for_cli as instance_of\n"
        "from dagster._cli.workspace.cli_target import WorkspaceOpts, workspace_opts_to_load_target as target_of\n"
        "with instance_of('dagster dev') as instance:\n"
        "    origins = target_of(WorkspaceOpts()).create_origins()\n"
        "    print(json.dumps([instance.telemetry_enabled, instance.root_directory, instance.nux_enabled,\n"
        "        [each.loadable_target_origin.module_name for each in origins]]))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    nowhere = call.folder / "nobody"
    nowhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=call.folder, env=environment | {"HOME": str(nowhere)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    home = str(call.folder / ".dagster_home")
    assert json.loads(done.stdout.splitlines()[-1]) == [False, home, False, ["circleci_cost.definitions"]]
    assert str(prepare_dagster_home(read_settings(call.folder / "circleci_cost.toml"))) == home
    assert list(nowhere.iterdir()) == []


def test_check_tells_a_token_that_has_ended_from_one_that_will(call: Caller) -> None:
    for days, words in (
        (-1, f"ended on {TODAY - timedelta(days=1)}, 1 day ago, as api_token_expires says"),
        (-40, f"ended on {TODAY - timedelta(days=40)}, 40 days ago, as api_token_expires says"),
        (0, f"ends on {TODAY} (today)"),
        (1, f"ends on {TODAY + timedelta(days=1)} (1 day from now)"),
    ):
        end = f"api_token_expires = {TODAY + timedelta(days=days)}\n[[cost_centers.pricing]]"
        call.configure(configuration().replace("[[cost_centers.pricing]]", end))
        assert words in findings(call, "--offline")[1]["token"][1]


def test_check_flags_a_slug_that_contradicts_the_id(
    call: Caller, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    text = configuration().replace("shared", 'slug = "{slug}"\nshared') + f'[api]\nbase_url = "{base_url}"\n'
    for slug in ("gh/acme", "github/Acme"):
        call.configure(text.replace("{slug}", slug))
        assert "slug" not in findings(call)[1]
    call.configure(text.replace("{slug}", "gh/globex"))
    code, states, _ = findings(call)
    assert (code, states["slug"][0]) == (0, "warning")
    assert 'organization_id is that of gh/acme, and the configuration says slug = "gh/globex"' in states["slug"][1]


def test_a_price_of_0_is_told_apart_from_a_missing_one(call: Caller) -> None:
    call.configure(configuration().replace("0.0006", "0"))
    publish_rows(call.folder / "data", [{"date": date(2026, 1, 1), "compute": 1000, "price": Decimal(0)}])
    output = call("check", "--offline")
    assert output.code == 0
    assert "the price is 0 from 2020-01-01 to now, so every cost is $0, as on a free plan" in output.out
    assert "free, every cost is $0; today's price, ongoing" in output.out
    output = call("report", "--from", "2026-01-01", "--to", "2026-01-01")
    assert output.code == 0
    assert "The cost is $0 because the price of these days is 0; no credits lack a price." in output.err


def test_costs_of_a_cost_center_that_was_renamed_are_told_by_check_and_report(call: Caller) -> None:
    call.configure(configuration().replace('"acme"', '"acme-new"'))
    publish_rows(call.folder / "data", [{"date": date(2026, 1, 1), "compute": 1000}])
    words = "acme: the costs of 2026-01-01 are published and count, and "
    assert findings(call, "--offline")[1]["cost centers"][1].startswith(words)
    assert f"Warning: {words}" in call("report", "--by", "cost_center").err
    assert "Warning" not in call("report", "--where", "cost_center=acme-new").err


@pytest.mark.parametrize("options", [[], ["--organization-id", ACME_ID]])
def test_a_question_without_input_is_no_interruption(tmp_path: Path, options: list[str]) -> None:
    program = [sys.executable, "-c", "from circleci_cost.cli.main import main; main()", "init", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CIRCLECI")}
    output = subprocess.run(
        program, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert output.returncode == 2
    assert output.stderr.endswith("Error: There is no more input to read; give the answers as options instead.\n")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_a_question_at_once(tmp_path: Path) -> None:
    """It took an Enter more: polars, which is imported by then, lets a read of the terminal go on."""
    program = [sys.executable, "-c", "from circleci_cost.cli.main import main; main()"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CIRCLECI")}
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.chdir(tmp_path)
        os.execvpe(program[0], [*program, "init", "--organization-id", ACME_ID], environment)
    output = b""
    while b"[main]" not in output:
        output += os.read(terminal, 4096)
    # Python itself loses a Ctrl-C in the moment between the question and the read.
    time.sleep(1.5)
    os.write(terminal, b"\x03")
    while select.select([terminal], [], [], 60)[0] and b"nothing is lost" not in output:
        output += os.read(terminal, 4096)
    if b"nothing is lost" not in output:
        os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    os.close(terminal)
