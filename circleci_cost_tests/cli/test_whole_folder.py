"""Folders that are published whole: what a killed export left beside its place goes with a later one."""

import os
import time
from pathlib import Path

from circleci_cost.cli.whole_folder import whole_folder
from circleci_cost.lake.files import ABANDONED_AFTER_SECONDS

LONG_AGO = time.time() - ABANDONED_AFTER_SECONDS - 1


def left(folder: Path, *, changed: float) -> Path:
    folder.mkdir()
    (folder / "focus-2026-11.csv").write_text("half a fi")
    os.utime(folder, (changed, changed))
    return folder


def test_what_a_killed_export_of_another_day_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    abandoned = left(tmp_path / ".tmp-0123456789ab-focus [27]", changed=LONG_AGO)
    running = left(tmp_path / ".tmp-0123456789cd-focus [28]", changed=time.time())
    foreign = left(tmp_path / ".tmp-of-another-program", changed=LONG_AGO)
    away = left(tmp_path / "kept", changed=LONG_AGO)
    link = tmp_path / ".tmp-0123456789ef-focus"
    link.symlink_to(away)
    with whole_folder(tmp_path / "focus [28]") as stage:
        (stage / "focus-2026-11.csv").write_text("whole")
    assert not abandoned.exists()
    assert sorted(tmp_path.iterdir()) == sorted([running, foreign, away, link, tmp_path / "focus [28]"])
    assert (away / "focus-2026-11.csv").exists()
    assert [path.name for path in (tmp_path / "focus [28]").iterdir()] == ["focus-2026-11.csv"]
