import re
from pathlib import Path

import pytest

from .anomalies import main


def test_a_quick_run_prints_alarms_calm_sets_shifts_by_size_and_why_causes_were_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    main(
        [
            "--quick",
            "--no-peers",
            "--organizations",
            "1",
            "--seeds",
            "21",
            "--sets",
            "statistical",
            "--volatility=usual",
        ]
    )
    printed = capsys.readouterr().out

    def line(name: str) -> list[float]:
        row = re.findall(rf"^{name} .*$", printed, re.MULTILINE)[0]
        return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", row.removeprefix(name))]

    assert all(figure > 0 for figure in line("detector"))
    assert line("on calm sets:")[0] >= 0
    assert line("1.4 to 2")[0] > 0
    causes, recall, *_, swallowed, no_alarm, no_incident, only_children = line("all")
    assert swallowed + no_alarm + no_incident + only_children == round(causes * (1 - recall))
