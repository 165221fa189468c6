"""Deciding about incidents from a page: it is shown at once, nothing is lost, and a refusal changes nothing."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.config.decisions_file import DecisionsFile, decide, decided_now, decisions_file
from circleci_cost.config.settings import Settings, demo_settings, read_settings
from circleci_cost.errors import ConfigurationError, StorageError
from circleci_cost.model.incidents.decision import Decision, asked_decision, version_of
from circleci_cost.model.incidents.decision_edits import DecidedMeanwhileError
from circleci_cost.model.incidents.decisions import DECISIONS_STAY, read_decisions
from circleci_cost_tests.config.test_settings import VALID, write
from circleci_cost_tests.model.incidents.incident_rows import incident
from circleci_cost_tests.pipeline.processes import ended, start

HEADER = "incident,decision,reason,until\n"
PROCESSES, EDITS = 4, 25 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 6


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A configuration that names decisions.csv in its own folder."""
    return read_settings(write(tmp_path, f'{VALID}[anomalies]\ndecisions = "decisions.csv"\n'))


def published(**changes: Any) -> pl.DataFrame:
    return pl.DataFrame([incident(**changes)], infer_schema_length=None).cast(
        {"reason": pl.String, "decided_until": pl.Date}
    )


def decide_often(configuration: Path, name: str) -> None:
    """Decide about many incidents, and change or remove each decision once."""
    settings = read_settings(configuration)
    for number in range(EDITS):
        decide(settings, f"{name}x{number}", asked_decision("ignored", "at first"))
        decide(settings, f"{name}x{number}", asked_decision("expected", f"=by {name}") if number % 5 else None)


def test_four_processes_that_decide_lose_nothing_and_leave_the_other_lines(tmp_path: Path, settings: Settings) -> None:
    by_hand = f'{HEADER}\n"ab", ignored ,"kept, as it is",\n'
    (tmp_path / "decisions.csv").write_text(by_hand)
    processes = [start(decide_often, settings.source_file, str(number)) for number in range(PROCESSES)]
    assert [ended(process) for process in processes] == [0] * PROCESSES
    assert (tmp_path / "decisions.csv").read_text().startswith(by_hand)
    rows = read_decisions(tmp_path / "decisions.csv").select("incident_id", "decision", "reason").rows()
    kept = [(f"{name}x{number}", name) for name in range(PROCESSES) for number in range(EDITS) if number % 5]
    assert sorted(rows) == sorted(
        [("ab", "ignored", "kept, as it is"), *((key, "expected", f"=by {name}") for key, name in kept)]
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["circleci_cost.toml", "decisions.csv"]


def test_a_decision_is_shown_at_once_and_taken_back_at_once(tmp_path: Path, settings: Settings) -> None:
    rows = published(incident_id="57bb05f099", status="open")
    assert decide(settings, "57bb05f099", Decision("expected", "load test"))
    assert (tmp_path / "decisions.csv").read_text() == f"{HEADER}57bb05f099,expected,load test,\n"
    now = decided_now(settings, rows).incidents
    assert now.columns == rows.columns
    assert now.row(0, named=True) == rows.row(0, named=True) | {"status": "expected", "reason": "load test"}
    # The next run publishes it; then it is taken back.
    assert not decide(settings, "57bb05f099", Decision("expected", "load test"))
    assert decide(settings, "57bb05f099", None)
    assert decided_now(settings, now).incidents.equals(rows)
    assert (tmp_path / "decisions.csv").read_text() == HEADER


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"last_day": date(2026, 3, 4)}, "open"),
        ({"last_day": date(2026, 3, 3)}, "new_normal"),
        ({"kind": "price_change"}, "new_normal"),
        ({"monthly_impact_usd": None}, "ended"),
    ],
)
def test_without_its_decision_an_incident_has_the_status_that_its_costs_have(
    settings: Settings, changes: dict[str, Any], status: str
) -> None:
    decide(settings, "a", Decision("ignored"))
    rows = published(status="ignored", reason="was known", decided_until=date(2026, 12, 31), **changes)
    now = decided_now(settings, rows).incidents.row(0, named=True)
    assert (now["status"], now["reason"], now["decided_until"]) == (status, None, None)


def test_a_decision_whose_days_are_over_decides_no_more(settings: Settings) -> None:
    decide(settings, "57bb05f099", Decision("expected", "migration", date(2026, 3, 5)))
    now = decided_now(settings, published(status="expected")).incidents.row(0, named=True)
    assert (now["status"], now["reason"], now["decided_until"]) == ("open", "migration", date(2026, 3, 5))


def test_an_unreadable_file_is_named_and_leaves_incidents_as_they_were_published(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "decisions.csv"
    rows = published(status="expected", reason="load test")
    path.write_text("incident,decision\na,fine\n")
    shown = decided_now(settings, rows)
    assert shown.incidents.equals(rows)
    sentence = f"{path}, line 2: 'fine' is no decision; write expected or ignored."
    assert str(shown.problem) == f"anomalies: {sentence} {DECISIONS_STAY}"
    with pytest.raises(ConfigurationError) as refused:
        decide(settings, "b", Decision("expected"))
    assert str(refused.value) == sentence
    assert path.read_text() == "incident,decision\na,fine\n"


def test_a_file_that_is_gone_is_a_problem_only_where_it_had_decided_something(settings: Settings) -> None:
    assert decided_now(settings, published(status="open")).problem is None
    gone = decided_now(settings, published(status="expected")).problem
    assert gone is not None
    assert "decisions.csv cannot be read (No such file or directory)" in gone.sentence


def test_a_decision_that_somebody_made_in_a_text_editor_meanwhile_is_not_lost(
    tmp_path: Path, settings: Settings
) -> None:
    seen = version_of(None)
    (tmp_path / "decisions.csv").write_text(f"{HEADER}a,ignored,by hand,\n")
    with pytest.raises(DecidedMeanwhileError, match=r"it is ignored \(by hand\)"):
        decide(settings, "a", Decision("expected"), seen)
    decide(settings, "b", Decision("expected"), seen)
    assert (tmp_path / "decisions.csv").read_text() == f"{HEADER}a,ignored,by hand,\nb,expected,,\n"
    shown = decided_now(settings, published())
    assert shown.decisions.get_column("incident_id").to_list() == ["a", "b"]


def test_the_page_is_told_which_file_it_is_and_whether_it_can_be_changed(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "decisions.csv"
    assert decisions_file(settings) == DecisionsFile("decisions.csv", path, None)
    path.mkdir()
    folder = f"{path} is a folder, not a regular file; name a file in it. Nothing was changed."
    assert decisions_file(settings) == DecisionsFile("decisions.csv", path, folder)


def test_without_a_file_of_decisions_it_says_how_to_configure_one(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, VALID))
    sentence = (
        'No file of decisions is configured; add decisions = "decisions.csv" to [anomalies] in '
        f"{tmp_path}/circleci_cost.toml, and make that file with the line incident,decision,reason,until."
    )
    assert decisions_file(settings) == DecisionsFile(None, None, sentence)
    with pytest.raises(ConfigurationError) as refused:
        decide(settings, "a", Decision("expected"))
    assert str(refused.value) == sentence
    # Decisions that a former configuration published no longer hold, as in the next run.
    assert decided_now(settings, published(status="ignored")).incidents.item(0, "status") == "open"


def test_the_demo_says_that_it_has_no_file_of_decisions(tmp_path: Path) -> None:
    shown = decisions_file(demo_settings(tmp_path))
    assert shown.path is None
    assert shown.read_only == (
        "The built-in demo has no file of decisions. In a configuration of your own, add "
        'decisions = "decisions.csv" to [anomalies] in circleci_cost.toml, and make that file with the line '
        "incident,decision,reason,until."
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, f'{VALID}[anomalies]\ndecisions = "none/decisions.csv"\n'))
    with pytest.raises(StorageError, match=r"/none is not there; make it, or correct the path"):
        decide(settings, "a", Decision("expected"))
    assert str(decisions_file(settings).read_only).startswith(f"The folder {tmp_path}/none is not there;")
