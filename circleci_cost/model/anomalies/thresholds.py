"""Whether a day is unusual: thresholds on its residuals, and on cumulated sums that detect small lasting changes.

Residuals come from `state`; `kinds` names the anomalies.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.anomalies.day import Day, Residuals
from circleci_cost.model.anomalies.residuals import cut_off, positions, where, within
from circleci_cost.model.anomalies.state import State
from circleci_cost.model.forecast.panel import Flags, Floats

# In standard deviations, at the false alarms per series and year below; see `scale_of`.
_POINT, _PAIR, _POINT_PER_RUN, _SUM, _SUM_PER_RUN = 4.0, 4.0, 5.0, 6.0, 6.0
# A residual per run, or of the runs of a schedule, is an anomaly only if that of the whole day reaches these, on the
# same side.
_POINT_WITH_RUNS, _POINT_WITH_RUNS_DOWN = 1.5, 1.4
# Page's CUSUM with slack (half the shift to detect), cut-off residuals, and slow forgetting.
_SLACK, _SLACK_PER_RUN, _FORGET, _CUT = 0.4, 0.5, 0.97, 2.5
_SPARSE_WEIGHT = 0.3
# A drift: a level, or usage per run, that has moved this many standard deviations in six weeks.
_DRIFT = 7.0
# A sum alarms only on days that point the same way, a sum per run and a drift only on days that do not point the other
# way by more than this share; days of either way in between let a lasting change settle. A sum's growth is limited.
_OTHER_WAY = 0.2
_SAME_WAY, _ABOVE, _AFTER_POINT = 0.5, 3.0, 0.5
_FALSE_ALARMS, _PER_SCALE = 0.27, 6.0


def scale_of(false_alarms_per_series_year: float) -> float:
    """Return the factor on all thresholds for the false alarms per series and year that are accepted.

    The logarithm of the rate falls nearly linearly with the thresholds; both constants are measured on simulated series
    (`python -m circleci_cost_tests.benchmarks anomalies`).
    """
    scale = 1.0 + np.log(_FALSE_ALARMS / false_alarms_per_series_year) / _PER_SCALE
    return float(np.clip(scale, 0.6, 2.0))


@dataclass(frozen=True)
class Judgement:
    """A day's scores [series]: 1 is the threshold; negative ones are downwards.

    `of_sum` marks anomalies that only a sum detects, `of_drift` those of a level or rate that has moved for weeks.
    """

    score: Floats
    is_anomaly: Flags
    of_sum: Flags
    of_drift: Flags


class Sums:
    """The cumulated residuals of each series: up, down, and both per run."""

    def __init__(self, series: int) -> None:
        """Start with empty sums."""
        self.values = np.zeros((4, series))
        self._point = np.zeros(series, dtype=np.bool_)

    @property
    def after_point(self) -> Flags:
        """The series whose last day was an anomaly by itself."""
        return self._point

    def forget_points(self, is_point: Flags) -> None:
        """Cap the sums at half their threshold after a day that alarmed by itself: a spike is not a lasting change."""
        over = positions(self._point & ~is_point)
        if len(over):
            limits = np.array([_SUM, _SUM, _SUM_PER_RUN, _SUM_PER_RUN])[:, None] * _AFTER_POINT
            self.values[:, over] = np.minimum(self.values[:, over], limits)
        self._point = is_point

    def add(self, residual: Floats, per_run: Floats, adding: Flags, rated: Flags) -> None:
        """Add a day's residuals, already cut off."""
        for number, (value, slack, days, most) in enumerate(
            (
                (residual, _SLACK, adding, _SUM),
                (-residual, _SLACK, adding, _SUM),
                (per_run, _SLACK_PER_RUN, rated, _SUM_PER_RUN),
                (-per_run, _SLACK_PER_RUN, rated, _SUM_PER_RUN),
            )
        ):
            summed = within(_FORGET * self.values[number] + value - slack, 0.0, most + _ABOVE)
            self.values[number] = where(days, summed, self.values[number])

    def reset(self, series: Flags) -> None:
        """Forget the sums of some series."""
        if series.any():
            self.values[:, series] = 0.0


def judge(state: State, sums: Sums, day: Day, residuals: Residuals, scale: Floats, *, expected: Floats) -> Judgement:
    """Judge a day, and add it to the sums; an irregular day is judged by itself, and nothing of it is cumulated.

    `scale` multiplies the thresholds. `expected` is what users see: no alarm of a sum or drift contradicts it.
    """
    ready, regular = state.ready(day), ~residuals.irregular
    residual = where(residuals.sparse & regular, _on_its_day(residuals), residuals.of_day)
    # Series that are usually zero stay quiet while they are zero.
    residual = where((state.level.level > 0) | (day.usage > 0), residual, 0.0)
    # What lasts shows in days that are no surprise by themselves: sums take them as they are, not by their certainty.
    lasting = where(residuals.sparse, residual, residuals.plain / np.sqrt(state.spread.variance))
    cut = cut_off(lasting / np.sqrt(state.spread.wander), _CUT)
    cut_per_run = cut_off(residuals.rate.of_day / np.sqrt(state.rate.spread.wander), _CUT)
    point = residual / _POINT
    with_runs = np.maximum(residuals.rate.of_day / _POINT_PER_RUN, residuals.of_runs / _POINT)
    with_runs_down = np.maximum(-residuals.rate.of_day / _POINT_PER_RUN, -residuals.of_runs / _POINT)
    up_with_runs = where(residual > _POINT_WITH_RUNS, with_runs, 0.0)
    down_with_runs = where(residual < -_POINT_WITH_RUNS_DOWN, with_runs_down, 0.0)
    pair = where(np.sign(residual) == np.sign(residuals.of_pair), residuals.of_pair / _PAIR, 0.0)
    # A pair adds evidence only where the first day was not an anomaly by itself.
    pair = where(residuals.sparse | residuals.irregular | sums.after_point | (np.abs(cut) < _SAME_WAY), 0.0, pair)
    up_by_itself, down_by_itself = np.maximum(point, up_with_runs), np.maximum(-point, down_with_runs)
    up_points, down_points = np.maximum(up_by_itself, pair), np.maximum(down_by_itself, -pair)
    not_less = day.usage >= (1.0 - _OTHER_WAY) * expected
    not_more = day.usage <= (1.0 + _OTHER_WAY) * expected
    # Two days that alarm only together are no spike.
    cumulated, is_point = ready & regular, ready & (np.maximum(up_by_itself, down_by_itself) >= scale)
    sums.forget_points(np.where(regular, is_point, sums.after_point))
    weighted = where(residuals.sparse, _SPARSE_WEIGHT * cut, cut)
    sums.add(weighted, cut_per_run, cumulated, cumulated & residuals.rate.rated)
    up_sums = np.maximum(
        where(cut > _SAME_WAY, sums.values[0] / _SUM, 0.0),
        where((cut_per_run > _SAME_WAY) & (cut > -_SAME_WAY) & not_less, sums.values[2] / _SUM_PER_RUN, 0.0),
    )
    down_sums = np.maximum(
        where(cut < -_SAME_WAY, sums.values[1] / _SUM, 0.0),
        where((cut_per_run < -_SAME_WAY) & (cut < _SAME_WAY) & not_more, sums.values[3] / _SUM_PER_RUN, 0.0),
    )
    up_sums, down_sums = where(regular, up_sums, 0.0), where(regular, down_sums, 0.0)
    of_level, of_rate = (where(cumulated & ~residuals.sparse, moved / _DRIFT, 0.0) for moved in state.drifted())
    drift = where(np.abs(of_level) >= np.abs(of_rate), of_level, of_rate)
    drift = where(((drift > 0) & not_less) | ((drift < 0) & not_more), drift, 0.0)
    up, down = np.maximum.reduce([up_points, up_sums, drift]), np.maximum.reduce([down_points, down_sums, -drift])
    is_up = up >= down
    score = where(ready, where(is_up, up, -down) / scale, 0.0)
    points = where(is_up, up_points, down_points) / scale
    summed = where(is_up, up_sums, down_sums) / scale
    is_anomaly = np.asarray(np.abs(score) >= 1.0)
    return Judgement(
        score,
        is_anomaly,
        np.asarray(is_anomaly & (points < 1.0) & (summed >= 1.0)),
        np.asarray(is_anomaly & (points < 1.0) & (summed < 1.0)),
    )


def _on_its_day(residuals: Residuals) -> Floats:
    """The residual of a week if its last day points the same way, else 0: the earlier days have been judged already."""
    return where(np.sign(residuals.of_day) == np.sign(residuals.of_week), residuals.of_week, 0.0)


def band(scale: Floats) -> tuple[Floats, Floats]:
    """Return the residuals at which a day is an anomaly by itself, downwards and upwards."""
    return -_POINT * scale, _POINT * scale
