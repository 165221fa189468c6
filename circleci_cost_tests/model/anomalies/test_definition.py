"""`[anomalies]`: what may be written there, and each mistake as a sentence with its line and what to write."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.anomalies.definition import DEFAULTS

VALID = """\
history_start = 2025-10-22
[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
"""
LINES = VALID.count("\n")


def read(folder: Path, section: str) -> Settings:
    path = folder / "circleci_cost.toml"
    path.write_text(VALID + section, encoding="utf-8")
    return read_settings(path)


def refusal(folder: Path, section: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, section)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder / "circleci_cost.toml"), "FILE")


def test_without_the_section_the_defaults_are_those_of_the_detector(tmp_path: Path) -> None:
    assert read(tmp_path, "").anomalies == DEFAULTS
    assert read(tmp_path, "[anomalies]\n").anomalies == DEFAULTS


def test_every_key_is_read_exactly(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "[anomalies]\n"
        "false_alarms_per_series_year = 1\n"
        "minimum_impact_usd = 2.500001\n"
        "minimum_impact_share = 0.1\n"
        'directions = ["up"]\n'
        "renotify_at = 1.5\n"
        'decisions = "decisions.csv"\n'
        "[[anomalies.ignored_periods]]\n"
        "from = 2026-03-01\n"
        "until = 2026-03-14\n"
        'reason = "migration"\n'
        "[[anomalies.ignored_periods]]\n"
        "until = 2025-12-31\n",
    )
    anomalies = settings.anomalies
    assert (anomalies.minimum_impact_usd, anomalies.minimum_impact_share) == (Decimal("2.500001"), Decimal("0.1"))
    assert anomalies.renotify_at == Decimal("1.5")
    assert anomalies.decisions is not None
    assert anomalies.decisions.name == "decisions.csv"
    assert [(period.from_, period.until, period.reason) for period in anomalies.ignored_periods] == [
        (date(2026, 3, 1), date(2026, 3, 14), "migration"),
        (None, date(2025, 12, 31), None),
    ]
    assert (anomalies.false_alarms_per_series_year, anomalies.directions) == (1.0, ("up",))


def test_the_former_name_of_renotify_at_is_refused_with_the_new_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[anomalies]\ndirections = ['up']\ntold_again_at = 2\n") == (
        f"FILE, line {LINES + 3}: unknown key 'anomalies.told_again_at'; it is called 'renotify_at' now."
    )


def test_the_minimum_impacts_may_be_zero(tmp_path: Path) -> None:
    anomalies = read(tmp_path, "[anomalies]\nminimum_impact_usd = 0\nminimum_impact_share = 0\n").anomalies
    assert (anomalies.minimum_impact_usd, anomalies.minimum_impact_share) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("false_alarms_per_series_year = 0", " = 0: input should be greater than 0."),
        ("false_alarms_per_series_year = -1", " = -1: input should be greater than 0."),
        ("false_alarms_per_series_year = 13", " = 13: input should be less than or equal to 12."),
        ("false_alarms_per_series_year = nan", " = NaN: input should be less than or equal to 12."),
        (
            'false_alarms_per_series_year = "few"',
            " = few: input should be a valid number, unable to parse string as a number.",
        ),
        ("minimum_impact_usd = -0.01", " = -0.01: input should be greater than or equal to 0."),
        ("minimum_impact_usd = 0.0000001", " = 1E-7: decimal input should have no more than 6 decimal places."),
        ("minimum_impact_usd = inf", " = Infinity: input should be a finite number."),
        ("minimum_impact_share = 5", " = 5: input should be less than or equal to 1."),
        ("minimum_impact_share = -0.1", " = -0.1: input should be greater than or equal to 0."),
        ("directions = []", ': write ["up", "down"], ["up"] or ["down"].'),
        ('directions = ["up", "up"]', ': write ["up", "down"], ["up"] or ["down"].'),
        ('directions = ["sideways"]', "[0] = sideways: input should be 'up' or 'down'."),
        ('directions = "up"', ": write a list, its values between square brackets."),
        ("renotify_at = 1", " = 1: input should be greater than 1."),
        ("renotify_at = 1001", " = 1001: input should be less than or equal to 1000."),
    ],
)
def test_a_mistake_names_line_key_and_value(tmp_path: Path, line: str, message: str) -> None:
    key = line.partition(" ")[0]
    refused = refusal(tmp_path, f"[anomalies]\n{line}\n")
    assert refused == f"FILE, line {LINES + 2}: anomalies.{key}{message}"


def test_an_unknown_key_is_refused_with_the_nearest_key(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[anomalies]\nminimum_impact = 3\n").startswith(
        f"FILE, line {LINES + 2}: unknown key 'anomalies.minimum_impact'; did you mean 'minimum_impact_usd'?"
    )
    assert refusal(tmp_path, "[[anomalies.ignored_periods]]\nform = 2026-03-01\n").startswith(
        f"FILE, line {LINES + 2}: unknown key 'anomalies.ignored_periods[0].form'; did you mean 'from'?"
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "from = 2026-03-14\nuntil = 2026-03-01",
            "1: anomalies.ignored_periods[0]: until 2026-03-01 lies before from 2026-03-14; exchange them.",
        ),
        (
            'reason = "all"',
            "1: anomalies.ignored_periods[0]: write from, until or both; without them nothing would ever be judged.",
        ),
        ('from = "March"', "2: anomalies.ignored_periods[0].from = March: write a day such as 2026-01-31."),
        (
            'from = 2026-03-01\nreason = " x"',
            "3: anomalies.ignored_periods[0].reason: write a name without spaces around it.",
        ),
    ],
)
def test_a_mistake_in_an_ignored_period_names_its_line(tmp_path: Path, lines: str, message: str) -> None:
    line, _, rest = message.partition(":")
    refused = refusal(tmp_path, f"[[anomalies.ignored_periods]]\n{lines}\n")
    assert refused == f"FILE, line {LINES + int(line)}:{rest}"
