"""A year of accidents ends as a clean rebuild does, and nobody has called `backfill`.

With CIRCLECI_COST_LONG=1 ten years are lived through; else the first seven weeks of one.
"""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from circleci_cost_tests.faults.year import CENTER, lived
from circleci_cost_tests.pipeline.harness import assert_equal_contents, contents

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
FIRST = date(2024, 1, 8)
LAST = date(2024, 12, 31) if LONG else date(2024, 2, 26)
SEEDS = range(1, 11) if LONG else (1,)


@pytest.mark.timeout(1800 if LONG else 600)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_of_accidents_equals_a_clean_rebuild(tmp_path: Path, seed: int) -> None:
    with lived(tmp_path / "lived", FIRST, LAST, seed) as year:
        assert {"outage of the machine", "outage of CircleCI", "crash", "failed run", "single fault"} <= set(
            year.events
        )
        assert year.wrong == []
        assert year.unreported == []
        year.publish()
        rebuilt = year.rebuild(tmp_path / "rebuilt", year.site.history_start, LAST - timedelta(days=1))
        assert_equal_contents(contents(year.site.lake, [CENTER]), contents(rebuilt.lake, [CENTER]))
