"""A canary token and canary signatures are nowhere after runs that work and runs that fail (f107)."""

import re
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from circleci_cost.simulator.faults import Action
from circleci_cost_tests.pipeline.harness import TOKEN, Site, running
from circleci_cost_tests.simulator_faults import actions, damage
from circleci_cost_tests.simulator_faults import connection_actions as broken

_ECHO = f"see https://x.amazonaws.com/p?X-Amz-Signature=canary_signature and {TOKEN}"
_AT_ONCE = {"Retry-After": "0.1"}
FAULTS: list[tuple[str, Action]] = [
    ("create", actions.Respond(401, {"message": _ECHO})),
    ("create", actions.Respond(400, {"message": _ECHO})),
    ("create", actions.redirect(f"https://evil.example/?token={TOKEN}")),
    ("poll", actions.foreign_urls("https://user:canary_signature@evil.example")),
    ("poll", actions.broken_json()),
    ("download", actions.redirect("https://evil.example/?signature=canary_signature")),
    ("download", damage.html_file()),
    ("download", damage.flipped_bit(3000)),
    ("download", broken.Drop("mid-body")),
]


def everything_in(folder: Path) -> bytes:
    """All names and all bytes below a folder, SQLite's files and their journals included."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return b"\n".join([str(path).encode() + b"\n" + path.read_bytes() for path in files])


def _fail(site: Site, route: str, action: Action, day: date) -> None:
    site.simulator.faults.clear()
    site.fault(route, action, times=None)
    job = site.definitions.resolve_job_def("ingest")
    tags = {
        "dagster/asset_partition_range_start": f"initech|{day}",
        "dagster/asset_partition_range_end": f"initech|{day}",
    }
    result = job.execute_in_process(instance=site.instance, tags=tags, raise_on_error=False)
    assert not result.success


def test_f107_no_secret_in_dagsters_storage_logs_output_or_data(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A transient failure is told after three retries, a minute apart; what they say is of interest, not the wait.
    monkeypatch.setattr("circleci_cost.defs.failures._DEFAULT_WAIT_SECONDS", 0.05)
    minted: list[str] = []

    def note(urls: list[str]) -> list[str]:
        minted.extend(urls)
        return urls

    home = tmp_path / "home"
    home.mkdir()
    caplog.set_level("DEBUG")
    with dg.instance_for_test(temp_dir=str(home)) as instance, running(tmp_path / "site", instance=instance) as site:
        for number, (route, action) in enumerate(FAULTS, start=1):
            _fail(site, route, action, date(2024, 2, number))
        site.simulator.faults.clear()
        site.fault("poll", actions.change_urls("noted", note), times=None)
        site.run("refresh", "initech", date(2024, 3, 10), date(2024, 3, 11))
        signatures = re.findall(r"signature=(\w+)", " ".join(minted))
        assert len(signatures) == 2
        output = capfd.readouterr()
        stored = everything_in(home)
        searched = {
            "Dagster's storage": stored,
            "data_dir": everything_in(site.lake.root),
            "stdout": output.out.encode(),
            "stderr": output.err.encode(),
            "logging": caplog.text.encode(),
        }
        # What is searched is not empty: each failure left its sentence there.
        assert stored.count(b"STEP_FAILURE") >= len(FAULTS)
        assert b"CircleCI does not accept the token" in stored
        assert b"CircleCI does not accept the token" in searched["stderr"]
        for secret in (TOKEN, "canary_signature", "Amz-Signature", "?expires=", *signatures):
            assert [name for name, content in searched.items() if secret.encode() in content] == []
