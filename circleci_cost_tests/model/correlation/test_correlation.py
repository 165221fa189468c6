"""Correlation of CI with infrastructure cost: what is found at which lag, what is not, and what is said of the rest."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.correlation.correlation import SCHEMA, CorrelationSettings, correlate
from circleci_cost_tests.benchmarks.correlation_series import simulated_company

FIRST = date(2026, 1, 1)
DAYS = 200
WEEK = np.array([1.0, 1.1, 1.2, 1.1, 0.9, 0.3, 0.2])


def activity(seed: int, days: int = DAYS) -> np.ndarray:
    return np.exp(0.2 * np.random.default_rng(seed).standard_normal(days))


def rhythm(days: int = DAYS) -> np.ndarray:
    return WEEK[(np.arange(days) + FIRST.weekday()) % 7]


def daily(series: str, cost: np.ndarray, first: date = FIRST) -> pl.DataFrame:
    return pl.DataFrame(
        {"series": [series] * len(cost), "date": [first + timedelta(days=at) for at in range(len(cost))], "cost": cost}
    )


CI = daily("ci", 100 * rhythm() * activity(1))


def follower(lag: int, *, inverse: bool = False) -> np.ndarray:
    """A cost with a rhythm of its own that follows CI's activity, and some noise."""
    moved = np.roll(activity(1), lag) ** (-1 if inverse else 1)
    return np.asarray(50 * rhythm() * moved * activity(2) ** 0.5)


def test_an_infrastructure_cost_that_follows_ci_by_a_day_is_found_at_lag_1() -> None:
    pairs = correlate(CI, daily("s3", follower(1)))
    row = pairs.row(0, named=True)
    assert pairs.schema == SCHEMA
    assert (row["ci_series"], row["infrastructure_series"], row["lag_days"], row["significant"]) == (
        "ci",
        "s3",
        1,
        True,
    )
    assert row["r"] == pytest.approx(0.89, abs=0.1)
    assert row["sentence"] == f"s3 moved with ci one day later (r = {row['r']:.2f}, q < 0.001)"


@pytest.mark.parametrize(
    ("lag", "words"),
    [(-7, "seven days earlier"), (-1, "one day earlier"), (0, "on the same day"), (2, "two days later")],
)
def test_the_sentence_tells_the_lag_in_words(lag: int, words: str) -> None:
    (row,) = correlate(CI, daily("s3", follower(lag))).to_dicts()
    assert row["lag_days"] == lag
    assert f"s3 moved with ci {words} (r = " in row["sentence"]


def test_a_cost_that_falls_when_ci_rises_moves_against_it() -> None:
    (row,) = correlate(CI, daily("spot savings", follower(0, inverse=True))).to_dicts()
    assert row["significant"]
    assert row["r"] < -0.5
    assert row["sentence"].startswith("spot savings moved against ci on the same day (r = −0.")


def test_what_moves_against_ci_or_a_week_apart_needs_more_evidence_than_what_follows_it() -> None:
    def p_value(cost: np.ndarray) -> float:
        return float(correlate(CI, daily("s3", cost))["p_value"].item())

    noise = activity(2) ** 2
    follows, against, late = (
        activity(1) * noise,
        activity(1) ** -1 * noise,
        np.roll(activity(1), 7) * noise,
    )
    assert 1e-12 < p_value(follows) < 0.5 * p_value(against)
    assert p_value(follows) < 0.5 * p_value(late)


def test_a_steady_cost_tells_more_of_a_ci_that_changes_slowly_than_of_one_that_jumps() -> None:
    slow = np.zeros(DAYS)
    for at, change in enumerate(np.random.default_rng(1).standard_normal(DAYS)):
        slow[at] = 0.8 * slow[at - 1] + change
    jumping = np.random.default_rng(1).standard_normal(DAYS)
    own = np.random.default_rng(2).standard_normal(DAYS)
    # Of the cost's changes either explains as much as the other does by its unforeseen part.
    pairs = [
        correlate(daily("ci", np.exp(0.2 * ci)), daily("s3", np.exp(0.06 * ci + 0.15 * own))) for ci in (slow, jumping)
    ]
    assert pairs[0]["r"].item() > pairs[1]["r"].item() + 0.05
    assert pairs[0]["p_value"].item() < 0.1 * pairs[1]["p_value"].item()


def test_a_shared_week_and_shared_growth_are_no_relation() -> None:
    growth = np.exp(np.arange(DAYS) / 200)
    (row,) = correlate(
        daily("ci", rhythm() * growth * activity(1)), daily("s3", rhythm() * growth * activity(3))
    ).to_dicts()
    assert not row["significant"]
    assert row["sentence"] == f"s3 and ci: not distinguishable from chance (p = {row['p_value']:.2f})"


def test_holidays_that_both_keep_are_no_relation_with_or_without_a_calendar() -> None:
    company = simulated_company(77, ci_series=1, coupled=0)
    with_calendar = CorrelationSettings(company.calendar)
    for settings in (with_calendar, CorrelationSettings()):
        assert correlate(company.ci, company.infrastructure, settings)["significant"].sum() == 0


def test_of_many_services_the_coupled_ones_are_found_at_their_lags_and_q_is_benjamini_hochberg_over_all_pairs() -> None:
    from scipy.stats import false_discovery_control

    company = simulated_company(78)
    pairs = correlate(company.ci, company.infrastructure, CorrelationSettings(company.calendar))
    reported = {
        (row["ci_series"], row["infrastructure_series"]): row["lag_days"]
        for row in pairs.filter("significant").iter_rows(named=True)
    }
    assert reported == {pair: lag for pair, (lag, _) in company.coupled.items()}
    assert pairs.height == 3 * 40
    assert pairs["q_value"].to_numpy() == pytest.approx(false_discovery_control(pairs["p_value"].to_numpy()))


def test_the_p_values_of_unrelated_series_are_uniform() -> None:
    values = np.concatenate(
        [
            correlate(company.ci, company.infrastructure, CorrelationSettings(company.calendar))["p_value"].to_numpy()
            for company in (simulated_company(900 + seed, ci_series=2, coupled=0) for seed in range(6))
        ]
    )
    assert len(values) == 480
    assert (values < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert (values < 0.5).mean() == pytest.approx(0.5, abs=0.08)


def test_amounts_of_any_kind_in_any_order_with_split_rows_come_to_the_same() -> None:
    infrastructure = daily("s3", np.round(follower(1), 2))
    expected = correlate(CI, infrastructure)
    exact = infrastructure.with_columns(pl.col("cost").cast(pl.Decimal(38, 16)))
    halves = pl.concat([exact.with_columns(cost=pl.col("cost") / Decimal(2))] * 2).sample(
        fraction=1, shuffle=True, seed=1
    )
    assert correlate(CI.reverse(), halves).drop("sentence").to_dicts()[0] == pytest.approx(
        expected.drop("sentence").to_dicts()[0]
    )


def test_gaps_refunds_zeros_and_what_is_no_number_hide_no_relation() -> None:
    cost = follower(1)
    cost[20:30] = np.nan
    cost[40] = -500.0
    cost[50:53] = 0.0
    infrastructure = daily("s3", cost).filter(~pl.col("date").is_between(date(2026, 4, 1), date(2026, 4, 9)))
    row = correlate(CI.with_columns(complete=pl.col("date") != date(2026, 3, 3)), infrastructure).row(0, named=True)
    assert (row["lag_days"], row["significant"]) == (1, True)
    # The masked days, the day after each gap, the first day, and the turn of the year are not counted.
    assert 150 < row["days"] < 180


YEAR = [date(2025, 11, 1) + timedelta(days=at) for at in range(395)]
TO_END = [(day.replace(day=28) + timedelta(days=4)).replace(day=1) - day for day in YEAR]


@pytest.mark.parametrize(
    "batch",
    [
        [day.day == 1 for day in YEAR],
        [left.days == 1 for left in TO_END],
        [left.days <= 3 for left in TO_END],
        [day.weekday() == 4 and 21 < day.day <= 28 for day in YEAR],
        [day.weekday() == 4 and left.days <= 7 for day, left in zip(YEAR, TO_END, strict=True)],
    ],
    ids=["first", "last", "last three", "fourth Friday", "last Friday"],
)
def test_monthly_batches_on_both_sides_are_no_relation_and_hide_none(batch: list[bool]) -> None:
    dearer = np.where(batch, 3.0, 1.0)
    own, other = activity(1, 395), activity(3, 395)
    ci = daily("ci", dearer * own, YEAR[0])
    follows = daily("follows", dearer * np.roll(own, 1) * activity(2, 395) ** 0.5, YEAR[0])
    pairs = correlate(ci, pl.concat([daily("batch too", dearer * other, YEAR[0]), follows]))
    assert pairs.select("significant", "lag_days").rows()[1] == (True, 1)
    assert not pairs["significant"][0]


def test_a_quiet_end_of_the_year_on_both_sides_is_no_relation() -> None:
    quiet = np.array([0.2 if (day.month, day.day) in {(12, 22), (12, 23), (1, 2)} else 1.0 for day in YEAR])
    pairs = correlate(
        daily("ci", (quiet * activity(1, 395) ** 0.2)[:100], YEAR[0]),
        daily("s3", (quiet * activity(3, 395) ** 0.2)[:100], YEAR[0]),
    )
    assert not pairs["significant"].item()


def test_a_single_spike_on_both_sides_is_no_relation() -> None:
    ci, service = 100 * activity(1), 50 * activity(3)
    ci[90] = service[90] = 100_000
    assert not correlate(daily("ci", ci), daily("s3", service))["significant"].item()


@pytest.mark.parametrize(
    ("cost", "reason"),
    [
        (follower(1)[:40], "s3: 39 usable days, 60 are needed"),
        (np.full(DAYS, 12.5), "s3: it hardly ever changes"),
        (np.where(np.arange(DAYS) % 3 == 0, 5.0, 0.0) * activity(2), "s3: most of its days are zero"),
        (np.full(DAYS, np.nan), "s3: 0 usable days, 60 are needed"),
    ],
)
def test_a_series_that_cannot_be_compared_is_named_and_not_guessed(cost: np.ndarray, reason: str) -> None:
    late = daily("s3", cost, first=date(2026, 1, 3))
    (row,) = correlate(CI, late).to_dicts()
    assert row["sentence"] == f"s3 and ci: not tested, {reason}"
    assert [row[name] for name in ("lag_days", "r", "p_value", "q_value", "significant")] == [None] * 4 + [False]


def test_series_without_common_days_are_not_compared() -> None:
    later = daily("s3", follower(1), first=date(2027, 1, 5))
    (row,) = correlate(CI, later).to_dicts()
    assert row["sentence"] == "s3 and ci: not tested, 0 usable days, 60 are needed in common"


def test_a_pair_that_was_not_compared_makes_no_other_one_less_sure() -> None:
    alone = correlate(CI, daily("s3", follower(1)))
    beside = correlate(CI, pl.concat([daily("s3", follower(1)), daily("flat", np.full(DAYS, 1.0))]))
    assert beside.filter(infrastructure_series="s3")["q_value"].item() == pytest.approx(alone["q_value"].item())
    assert beside["infrastructure_series"].to_list() == ["flat", "s3"]


def test_a_faint_relation_is_reported_as_too_weak() -> None:
    days = 2000
    common = np.random.default_rng(5).standard_normal(days)
    noise = np.random.default_rng(6).standard_normal(days)
    ci, service = np.exp(0.2 * common), np.exp(0.2 * (0.2 * common + noise))
    (row,) = correlate(daily("ci", ci), daily("s3", service)).to_dicts()
    assert row["q_value"] < 0.001
    assert not row["significant"]
    assert row["sentence"].endswith(f"(r = {row['r']:.2f}, q < 0.001): too weakly to tell anything from it")


def test_a_series_compared_with_itself_moves_with_itself() -> None:
    (row,) = correlate(CI, CI).to_dicts()
    assert (row["lag_days"], row["significant"]) == (0, True)
    assert row["r"] == pytest.approx(1.0)


@pytest.mark.parametrize("days", [1, 3, 8, 20])
def test_a_few_days_are_reported_as_too_few(days: int) -> None:
    (row,) = correlate(CI.head(days), daily("s3", follower(0)[:days])).to_dicts()
    assert "usable days, 60 are needed" in row["sentence"]


def test_nothing_to_compare_is_an_empty_answer() -> None:
    empty = CI.clear()
    for ci, infrastructure in ((empty, empty), (CI, empty), (empty, CI)):
        assert correlate(ci, infrastructure).equals(pl.DataFrame(schema=SCHEMA))


def test_no_sentence_says_that_one_cost_caused_another() -> None:
    company = simulated_company(78)
    sentences = " ".join(correlate(company.ci, company.infrastructure)["sentence"])
    assert not any(word in sentences for word in ("cause", "because", "due to", "driven"))


def test_a_frame_without_a_column_or_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="the infrastructure costs lack the column 'cost'"):
        correlate(CI, CI.drop("cost"))
    with pytest.raises(ValueError, match="a row of the CI costs has no series or no date"):
        correlate(CI.with_columns(date=pl.lit(None, pl.Date)), CI)


def test_settings_that_nothing_could_be_judged_by_are_refused() -> None:
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        CorrelationSettings(false_discoveries=10)
    with pytest.raises(ValueError, match="lags up to 7 days need at least 44"):
        CorrelationSettings(minimum_days=14)
