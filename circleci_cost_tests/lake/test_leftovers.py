"""What killed processes left is removed a day later, and nothing else."""

import os
import time
from pathlib import Path

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.leftovers import remove_leftovers

OLD = time.time() - 25 * 3600
PLACES = (
    "",
    "state",
    "exports/acme",
    "exports/acme/2026-01-01_2026-01-02",
    "job_runs/cost_center=acme/date=2026-01-01",
    "tables/budget_status",
    "tables/daily_costs/acme",
)


def test_temporary_files_and_cut_off_imports_go_after_a_day_and_data_stay(lake: Lake, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".tmp-of-somebody-else").write_text("kept")
    for place in PLACES:
        folder = lake.root / place
        folder.mkdir(parents=True, exist_ok=True)
        for name in (".tmp-0123456789ab-old", ".tmp-0123456789ab-new", "data"):
            (folder / name).write_text(name)
        (folder / ".tmp-link").symlink_to(outside)
    cut_off = lake.exports("acme") / ".tmp-import-0123456789ab"
    cut_off.mkdir()
    (cut_off / ".tmp-0000").write_text("part")
    for path in [*lake.root.rglob("*old"), *lake.root.rglob("data"), cut_off, cut_off / ".tmp-0000"]:
        os.utime(path, (OLD, OLD))
    assert remove_leftovers(lake) == len(PLACES) + 1
    left = sorted(path.name for path in lake.root.rglob("*") if path.is_file())
    assert left == sorted([*(".tmp-0123456789ab-new", "data") * len(PLACES), "format.json"])
    assert [path.name for path in outside.iterdir()] == [".tmp-of-somebody-else"]
    assert remove_leftovers(lake) == 0


def test_a_link_with_a_temporary_name_stays_and_so_does_what_it_leads_to(tmp_path: Path) -> None:
    lake, foreign = Lake(tmp_path / "data"), tmp_path / "foreign"
    foreign.mkdir()
    lake.root.mkdir()
    link = lake.root / ".tmp-link"
    link.symlink_to(foreign)
    os.utime(link, (0, 0), follow_symlinks=False)
    assert remove_leftovers(lake) == 0
    assert link.is_symlink()
    assert foreign.is_dir()
