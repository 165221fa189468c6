"""Costs by user and pipeline: sums that are those of the daily costs, names, and job runs that changed meanwhile."""

import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.history.reports import answered, have_run_costs, report_shortfalls
from circleci_cost.lake.layout import Lake
from circleci_cost.model.reporting.report import Amount, Granularity, Report
from circleci_cost.model.usage.dimensions import DIMENSIONS, RUN_DIMENSIONS
from circleci_cost.warehouse.core.cost_rows import rows_for
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost.warehouse.reporting.asked import Asked, asked_question
from circleci_cost.warehouse.reporting.job_runs import dearest_runs
from circleci_cost.warehouse.reporting.rollup import roll_up
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, day
from circleci_cost_tests.model.usage.builders import job_id
from circleci_cost_tests.warehouse.reporting.run_folder import (
    ANN,
    BOB,
    EVE,
    PRICES,
    configured,
    cost,
    job_runs,
    publish_runs,
)

CLOCK = ManualClock(EXPORTED)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def connection(published: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with current_generation(Lake(published.data_dir)).connect() as opened:
        yield opened


def ask(settings: Settings, by: tuple[str, ...] = (), where: tuple[str, ...] = (), **options: object) -> Report:
    generation = current_generation(Lake(settings.data_dir))
    asked = Asked(by, FIRST, day(3), where, **options)  # type: ignore[arg-type]
    question = asked_question(asked, settings, (), None, day(3), of_runs=True)
    with generation.connect() as connection:
        return answered(connection, generation, question, settings, CLOCK)


def costs(report: Report) -> dict[tuple[str, ...], Decimal | None]:
    return {row.values: row.amount.cost for row in report.rows}


def expected(column: str) -> dict[tuple[str, ...], tuple[int, Decimal, Decimal, Decimal]]:
    """Jobs, USD, credits and unpriced credits by a column of the export, in Python's own decimals."""
    sums: dict[tuple[str, ...], tuple[int, Decimal, Decimal, Decimal]] = defaultdict(
        lambda: (0, Decimal(0), Decimal(0), Decimal(0))
    )
    for row in job_runs():
        price = PRICES[int((row["JOB_RUN_DATE"] or "")[-2:])]
        credits = Decimal(row["TOTAL_CREDITS"] or 0)
        group = (row[column] or "(none)",)
        jobs, usd, all_credits, unpriced = sums[group]
        sums[group] = (
            jobs + 1,
            usd + credits * (price or 0),
            all_credits + credits,
            unpriced + (0 if price else credits),
        )
    return dict(sums)


def test_each_user_has_the_cost_of_the_own_job_runs_to_the_last_digit(published: Settings) -> None:
    report = ask(published, ("trigger_user",))
    found = {
        row.values: (row.amount.jobs, row.amount.cost, row.amount.credits, row.amount.unpriced_credits)
        for row in report.rows
    }
    assert found == expected("PIPELINE_TRIGGER_USER_ID")
    assert report.total == ask(published).total
    assert report.untold == {}


def test_a_pipeline_goes_by_project_and_number_or_else_by_its_id(published: Settings) -> None:
    by_number = {f"shop #{number}": sums for (number,), sums in expected("PIPELINE_NUMBER").items() if number[0] != "("}
    found = {row.values[0]: (row.amount.jobs, row.amount.cost) for row in ask(published, ("pipeline",)).rows}
    assert found == {
        **{name: sums[:2] for name, sums in by_number.items()},
        "5f0c4f0e-6b1a-4a56-8f5e-000000000002": (1, 8 * Decimal("0.0006") + Decimal("0.0000000006")),
        "(none)": (1, None),
    }


@pytest.mark.parametrize("seed", range(6))
def test_sums_over_random_groups_and_filters_are_those_of_the_daily_costs(published: Settings, seed: int) -> None:
    """Whatever else is grouped, filtered and split by period: adding the users and pipelines up gives the report."""
    draw = random.Random(seed)
    by = tuple(draw.sample(DIMENSIONS, draw.randrange(3)))
    where = tuple(
        draw.sample(["job=test", "parallelism!=4", "charge_type!=user", "branch~mai", "parallelism=(none)"], 2)
    )
    granularity = draw.choice([None, *Granularity])
    whole = ask(published, by, where, granularity=granularity)
    finer = ask(published, (*by, *RUN_DIMENSIONS), where, granularity=granularity)
    assert finer.total == whole.total
    sums: dict[object, list[Amount]] = defaultdict(list)
    for row in finer.rows:
        sums[row.period, row.values[: len(by)]].append(row.amount)
    assert {key: (_sum(each, "cost"), _sum(each, "credits"), _sum(each, "runs")) for key, each in sums.items()} == {
        (row.period, row.values): (row.amount.cost or 0, row.amount.credits, row.amount.runs or 0) for row in whole.rows
    }


def _sum(amounts: list[Amount], name: str) -> object:
    return sum(getattr(amount, name) or 0 for amount in amounts)


def test_a_rollup_answers_with_the_same_digits(published: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    generation = current_generation(Lake(published.data_dir))
    asked = Asked(("trigger_user", "pipeline"), FIRST, day(3), (f"trigger_user!={BOB}",))
    question = asked_question(asked, published, (), None, day(3), of_runs=True)
    days = [DayRange(FIRST, day(3))]
    have_run_costs(connection, question, days, published)
    rollup = roll_up(connection, question, days, [CENTER])
    report = answered(connection, generation, question, published, CLOCK, rollup=rollup)
    assert report == ask(published, ("trigger_user", "pipeline"), (f"trigger_user!={BOB}",))


def test_users_are_asked_for_by_name_or_by_id_and_two_ids_may_be_one_person(
    published: Settings, tmp_path: Path
) -> None:
    settings = configured(tmp_path, published.data_dir, '[actors]\ntrigger_user_names = "users.csv"\n')
    (tmp_path / "users.csv").write_text(
        f"id,name\n{ANN},Ann\n{BOB.upper()},Ann\n{EVE},Eve\n{'0' * 8}{EVE[8:]},Nobody yet\n"
    )
    by_user = expected("PIPELINE_TRIGGER_USER_ID")
    together = by_user[ANN,][1] + by_user[BOB,][1]
    assert costs(ask(settings, ("trigger_user",))) == {
        ("Ann",): together,
        ("Eve",): by_user[EVE,][1],
        ("(none)",): by_user["(none)",][1],
    }
    for value in ("Ann", ANN, BOB.upper()):
        assert costs(ask(settings, ("trigger_user",), (f"trigger_user={value}",))) == {("Ann",): together}
    assert ask(settings, (), ("trigger_user!=Ann", "trigger_user!=(none)")).total.cost == by_user[EVE,][1]
    assert ask(settings, (), ("trigger_user~NN",)).total.cost == together
    for value in ("Nobody yet", f"{'1' * 8}{EVE[8:]}"):
        assert ask(settings, ("trigger_user",), (f"trigger_user={value}",)).rows == ()
    with pytest.raises(UsageError, match="No usage has the trigger user 'Evi'; did you mean 'Eve'"):
        ask(settings, (), ("trigger_user=Evi",))


def move_a_credit(lake: Lake) -> None:
    """Let a job run of the first day have one credit more, and one of another job one less."""
    path = lake.job_runs_file(CENTER, FIRST)
    metadata = {name: value for name, value in pl.read_parquet_metadata(path).items() if name != "ARROW:schema"}
    change = pl.col("job_id").replace_strict({job_id(6): 1, job_id(9): -1}, default=0, return_dtype=pl.Int64)
    columns = [pl.col(name) + change.cast(pl.Decimal(18, 6)) for name in ("compute_credits", "total_credits")]
    rows = pl.read_parquet(path, hive_partitioning=False)
    moved = rows.with_columns(columns).cast(rows.schema)
    assert moved["total_credits"].sum() == rows["total_credits"].sum()
    moved.write_parquet(path, metadata=metadata)


def test_days_whose_job_runs_changed_keep_their_sums_and_are_named(tmp_path: Path) -> None:
    """Also where the day's own sum is the same: what counts is each daily cost."""
    settings = publish_runs(tmp_path)
    lake = Lake(settings.data_dir)
    before = ask(settings).total
    move_a_credit(lake)
    lake.job_runs_file(CENTER, day(3)).unlink()
    report = ask(settings, ("trigger_user",))
    assert report.total == before
    assert sum(row.amount.credits for row in report.rows) == before.credits
    (sentence,) = [each for each in report_shortfalls(report, lake, CLOCK) if "job runs" in each]
    assert sentence == (
        "Partial: days whose published costs do not fit their job runs (changed since, or an earlier version computed "
        "them), acme: 2026-10-01, 2026-10-03: their costs are counted and have no trigger_user; run `circleci-cost "
        "reprice --from DAY --to DAY` for them, which fetches nothing."
    )
    assert ask(settings, ("job",)).untold == {}
    cost(lake, [FIRST])
    assert ask(settings, ("trigger_user",)).untold == {CENTER: [DayRange(day(3), day(3))]}
    for number in (1, 2):
        lake.job_runs_file(CENTER, day(number)).unlink()
    alone = ask(settings, ("trigger_user", "pipeline"))
    assert [row.values for row in alone.rows] == [("(none)", "(none)")]
    assert alone.total == ask(settings).total


@pytest.mark.parametrize("user", [f"={EVE}", "=E\u0300ve", "~e\u0300v"])
def test_the_runs_of_a_user_are_listed_with_name_and_pipeline(
    published: Settings, connection: duckdb.DuckDBPyConnection, user: str
) -> None:
    found = dearest_runs(
        connection,
        Lake(published.data_dir),
        DayRange(FIRST, day(3)),
        asked_question(
            Asked(where=(f"trigger_user{user}", "job=test", "pipeline!=shop #103")),
            published,
            (),
            None,
            day(3),
            of_runs=True,
        ).filters,
        cost_centers=[CENTER],
        user_names={EVE: "\u00c8ve"},
        limit=3,
    )
    assert [(run.user, run.pipeline_number, run.credits) for run in found.rows] == [
        ("\u00c8ve", 108, Decimal("26.000001")),
        ("\u00c8ve", 107, Decimal("22.000001")),
        ("\u00c8ve", 106, Decimal("18.000001")),
    ]
    assert found.count == 6


def test_job_runs_and_shares_of_virtual_tags_are_not_combined() -> None:
    with pytest.raises(UsageError, match="pipeline is told by single job runs, and the virtual tag 'team' is not"):
        rows_for(["team", "pipeline"])


def test_what_reads_no_job_runs_says_where_to_ask(published: Settings) -> None:
    for asked in (Asked(by=("trigger-user",)), Asked(where=("trigger_user=x",))):
        with pytest.raises(
            UsageError, match="trigger_user is told by single job runs, which only `circleci-cost report`"
        ):
            asked_question(asked, published, (), None, day(3))
