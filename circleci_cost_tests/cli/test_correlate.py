"""`correlate`: findings as a table, sentences for all pairs, JSON, and honest words where there is nothing to tell."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.model.correlation.correlation import SCHEMA, correlate
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.warehouse_tables import edit_generation

FIRST = date(2026, 1, 1)
DAYS = 150


def costs(series: str, values: np.ndarray) -> pl.DataFrame:
    dates = [FIRST + timedelta(days=at) for at in range(len(values))]
    return pl.DataFrame({"series": [series] * len(values), "date": dates, "cost": values})


def noise(seed: int) -> np.ndarray:
    return np.exp(0.25 * np.random.default_rng(seed).standard_normal(DAYS))


CI = costs("project=acme/web", 30 * noise(1))
FOUND = correlate(
    CI,
    pl.concat(
        [
            costs("aws · AmazonS3", 5 * np.roll(noise(1), 1)),
            costs("aws · RDS", noise(2)),
            costs("gcp · new", noise(3)[:9]),
        ]
    ),
)
R = f"{FOUND['r'][0]:.2f}"


def publish(folder: Path, pairs: pl.DataFrame | None, infrastructure_rows: int = 450) -> None:
    """Publish a day of usage, and these pairs in its generation; None is a generation of an earlier version."""
    publish_rows(folder / "data", [{"date": FIRST, "project": "web", "compute": 5000}])
    lake = open_lake(folder / "data")
    generation = current_generation(lake)
    rows: dict[str, Any] = {
        name: count for name, count in generation.manifest.rows.items() if name != "cost_correlations"
    }
    with edit_generation(generation) as connection:
        connection.execute("DROP TABLE IF EXISTS cost_correlations")
        if pairs is not None:
            connection.register("pairs", pairs)
            connection.execute("CREATE TABLE cost_correlations AS SELECT * FROM pairs")
            rows |= {"cost_correlations": pairs.height, "infrastructure_costs": infrastructure_rows}
    point_to(lake, current_generation(lake).manifest.model_copy(update={"rows": rows}))


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration(FIRST))
    publish(call.folder, FOUND)
    return call


def test_findings_are_a_table_with_the_lag_in_words(published: Caller) -> None:
    output = published("correlate")
    lines = [line.split() for line in output.out.splitlines()]
    assert output.code == 0
    assert lines[0] == ["infrastructure", "CI", "moved", "when", "r", "q", "days"]
    cells = " ".join(lines[2])
    assert cells == f"aws · AmazonS3 project=acme/web with it one day later {R} < 0.001 {FOUND['days'][0]}"
    assert "RDS" not in output.out
    assert "Moving together is no cause." in output.out
    assert "2 of 3 pairs were compared, 1 of them move together. Data through 2026-01-01." in output.out


def test_all_tells_a_sentence_for_each_pair(published: Caller) -> None:
    lines = published("correlate", "--all").out.splitlines()
    assert lines[0] == f"aws · AmazonS3 moved with project=acme/web one day later (r = {R}, q < 0.001)."
    assert lines[1].startswith("aws · RDS and project=acme/web: not distinguishable from chance (p = ")
    assert lines[2] == "gcp · new and project=acme/web: not tested, gcp · new: 7 usable days, 60 are needed."


def test_json_holds_the_findings_and_with_all_every_pair(published: Caller) -> None:
    answer = json.loads(published("correlate", "--json").out)
    assert (answer["data_through"], answer["pairs_compared"], answer["pairs_not_compared"]) == ("2026-01-01", 2, 1)
    (pair,) = answer["pairs"]
    assert list(pair) == list(SCHEMA)
    assert (pair["infrastructure_series"], pair["lag_days"], pair["significant"]) == ("aws · AmazonS3", 1, True)
    every = json.loads(published("correlate", "--json", "--all").out)["pairs"]
    assert [each["r"] is None for each in every] == [False, False, True]


def test_no_finding_is_said(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish(call.folder, FOUND.filter(infrastructure_series="aws · RDS"))
    assert call("correlate").out.splitlines() == [
        "No infrastructure cost moves with CI cost in a way that is distinguishable from chance.",
        "1 of 1 pairs were compared, 0 of them move together. Data through 2026-01-01.",
    ]


def test_too_little_to_compare_is_said(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish(call.folder, FOUND.filter(infrastructure_series="gcp · new"))
    assert call("correlate").out.startswith("No pair has enough days to be compared; `circleci-cost correlate --all`")


def test_without_infrastructure_costs_it_is_said_how_to_add_some(call: Caller) -> None:
    path = call.configure(configuration(FIRST))
    publish(call.folder, FOUND.clear(), infrastructure_rows=0)
    output = call("correlate")
    assert (output.code, output.out) == (0, "")
    assert output.err.startswith("There are no infrastructure costs to compare with; add some to ")
    assert path.name in output.err
    assert "[[infrastructure]]" in output.err
    assert json.loads(call("correlate", "--json").out)["pairs"] == []


def test_configured_infrastructure_that_is_not_read_yet_is_not_said_to_be_missing(call: Caller) -> None:
    source = '\n[[infrastructure]]\nname = "dc"\nfiles = "dc.csv"\nformat = "simple"\nprovider = "own"\n'
    call.configure(configuration(FIRST) + source)
    publish(call.folder, FOUND.clear(), infrastructure_rows=0)
    output = call("correlate")
    assert (output.code, output.out) == (0, "")
    assert output.err.splitlines()[0] == (
        "The published numbers hold no costs of the configured [[infrastructure]]; run `circleci-cost allocation "
        "apply`, which reads its files."
    )


def test_without_ci_costs_it_is_said(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish(call.folder, FOUND.clear())
    assert "no CI costs to compare the infrastructure with" in call("correlate").err


def test_a_generation_of_an_earlier_version_is_told_apart(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish(call.folder, None)
    output = call("correlate")
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith("Error: No correlations are published yet; run `circleci-cost allocation apply`")


def test_names_from_outside_cannot_write_to_the_terminal(call: Caller) -> None:
    call.configure(configuration(FIRST))
    renamed = FOUND.head(1).with_columns(
        pl.lit("evil\x1b[31m").alias("infrastructure_series"), sentence=pl.lit("evil\x1b[31m moved")
    )
    publish(call.folder, renamed)
    assert "\x1b" not in call("correlate").out + call("correlate", "--all").out
