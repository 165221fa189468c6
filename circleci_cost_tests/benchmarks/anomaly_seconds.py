"""Seconds and memory of the detector and of incidents on 10,000 series × 395 days, in a process of its own.

    python -m circleci_cost_tests.benchmarks.anomaly_seconds FILE

Measuring accuracy is `anomalies`' job.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from circleci_cost.model.anomalies.definition import DEFAULTS
from circleci_cost.model.anomalies.detection import detect, judged_days
from circleci_cost.model.anomalies.panel import Observations, observations_of
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.recurrences import recurrences
from circleci_cost.model.forecast.panel import calendar_days
from circleci_cost.model.incidents.incidents import incidents
from circleci_cost_tests.benchmarks.anomaly_series import labelled_set
from circleci_cost_tests.benchmarks.anomaly_tables import hierarchy_of

MANY = 10_000
_CALENDAR = Calendar(country="US")


def write_many(path: Path, seed: int, series: int = MANY) -> None:
    """Write many copies of a simulated set's daily series to a Parquet file."""
    daily = labelled_set(seed).daily
    copies = -(-series // daily["series"].n_unique())
    wanted = pl.concat(
        daily.with_columns(pl.format("copy{}-{}", pl.lit(copy), pl.col("series")).alias("series"))
        for copy in range(copies)
    )
    names = wanted["series"].unique().sort().head(series)
    wanted.filter(pl.col("series").is_in(names.implode())).write_parquet(path)


def measure(path: Path) -> None:
    """Run the measurement on a file in a new process, whose memory is then its own.

    On Linux a child process inherits the peak memory of its parent: start this from a small process.
    """
    module = "circleci_cost_tests.benchmarks.anomaly_seconds"
    subprocess.run([sys.executable, "-m", module, str(path)], check=True)


def main(argv: list[str]) -> None:
    """Measure one day, then all of them; the memory is that of all days."""
    parser = argparse.ArgumentParser(prog="anomaly_seconds", description=__doc__)
    parser.add_argument("daily", type=Path)
    asked = parser.parse_args(argv)
    of_interpreter = _peak()
    daily = pl.read_parquet(asked.daily)
    of_input = _peak()
    started = time.perf_counter()
    judged = detect(daily, calendar=_CALENDAR)
    of_detect, seconds = _peak(), time.perf_counter() - started
    shape = f"{daily['series'].n_unique():,} series × {daily['date'].n_unique()} days"
    del daily
    started = time.perf_counter()
    incident_rows = incidents(judged, hierarchy_of(judged))
    of_incidents, of_grouping = _peak(), time.perf_counter() - started
    alarms = judged["is_anomaly"].sum()
    del judged
    of_day = seconds_of_last_day(pl.read_parquet(asked.daily))
    print(f"\n{shape}: detect {seconds:.1f} s, incidents {of_grouping:.1f} s ", end="")
    print(f"({alarms:,} days in alarm, {incident_rows.height:,} incidents), the last day alone {of_day:.2f} s")
    print(
        f"largest memory {of_detect:,.0f} MB, of which interpreter and libraries {of_interpreter:,.0f} MB and reading "
        f"the input {of_input - of_interpreter:,.0f} MB; {of_incidents:,.0f} MB after incidents"
    )


def seconds_of_last_day(daily: pl.DataFrame) -> float:
    """Return the seconds to judge, name and learn from the last day, with the state of the days before kept."""
    return sum(_seconds_of_last_day(seen) for seen in observations_of(daily))


def _seconds_of_last_day(seen: Observations) -> float:
    days = seen.first, seen.days
    calendar, recurring = calendar_days(*days, _CALENDAR), recurrences(*days, _CALENDAR)
    seconds, started = 0.0, time.perf_counter()
    for _ in judged_days(seen, calendar, recurring, DEFAULTS):
        ended = time.perf_counter()
        seconds, started = ended - started, ended
    return seconds


def _peak() -> float:
    """Return the largest memory of this process so far, in MB."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1:])
