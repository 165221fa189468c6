"""The jobs of workflow runs: which ran, when and how long.

`runs` draws the runs, `credits` prices the rows, `columns` names them.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.simulator.draws import Flags, Floats, Integers, Keys, child, normal, unit, within
from circleci_cost.simulator.effects import Effects
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.runs import Runs

NEVER_RUN_SHARE = 0.18
"""Share of rows of jobs that never ran, as in the real sample."""

_LATEST_START = 86_400 + 20 * 60
_STAGE_WEIGHTS = np.array([0.55, 1.2, 2.2, 3.0])
_SECONDS, _NEVER, _LAG, _START = 20, 21, 22, 23


@dataclass(frozen=True)
class Rows:
    """Drawn rows without names yet, in the order of days; times are seconds since the day began."""

    key: Keys
    run: Integers
    job: Integers
    day: Integers
    ran: Flags
    seconds: Integers
    queued: Floats
    started: Floats
    run_started: Floats
    run_stopped: Floats
    pipeline_created: Floats


def draw_rows(plan: Plan, effects: Effects, runs: Runs) -> Rows:
    """Draw the jobs of the workflow runs and place them in time, stage after stage."""
    jobs_of = plan.workflow_count[runs.workflow]
    run = np.repeat(np.arange(len(runs.key), dtype=np.int64), jobs_of)
    position = within(jobs_of)
    key = child(runs.key[run], position)
    job = plan.workflow_first[runs.workflow[run]] + position
    day = runs.day[runs.pipeline[run]]
    stage = np.array([j.stage for j in plan.jobs], dtype=np.int64)[job]
    timed = plan.template_timed[plan.workflow_template[plan.job_workflow]]
    cut_off = np.where(timed[job], 0.0, _never_run(plan)[stage])
    ran = unit(runs.key, _NEVER)[run] >= cut_off
    typical = np.array([j.seconds for j in plan.jobs], dtype=np.float64)[job] * effects.seconds[job, day]
    spread = np.array([j.spread for j in plan.jobs], dtype=np.float64)[job]
    drawn = np.rint(typical * np.exp(spread * normal(key, _SECONDS) - spread * spread / 2))
    seconds = np.maximum(1, drawn).astype(np.int64)
    lag = 1 + np.floor(20 * unit(key, _LAG) ** 3)

    stages = int(stage.max(initial=0)) + 1
    length = np.zeros((len(runs.key), stages))
    np.maximum.at(length, (run, stage), np.where(ran, lag + seconds + 1, 0))
    ends = np.cumsum(length, axis=1)
    before = np.concatenate([np.zeros((len(runs.key), 1)), ends[:, :-1]], axis=1)

    offset = 36 + np.floor(30 * unit(runs.key, _START)) + np.floor(runs.delay)
    latest = np.zeros(len(runs.pipeline_key))
    np.maximum.at(latest, runs.pipeline[run], (offset[run] + before[run, stage] + lag))
    excess = np.maximum(0, np.ceil(runs.created + latest - _LATEST_START))
    created = runs.created - excess
    run_started = np.floor(created[runs.pipeline]) + offset
    queued = run_started[run] + before[run, stage]
    return Rows(
        key=key,
        run=run,
        job=job,
        day=day,
        ran=ran,
        seconds=seconds,
        queued=queued,
        started=np.where(ran, queued + lag, run_started[run] + 0.001 * np.floor(1000 * unit(key, _LAG))),
        run_started=run_started,
        run_stopped=run_started + ends[:, -1] + 1,
        pipeline_created=created,
    )


def _never_run(plan: Plan) -> Floats:
    """Return the share of rows that never run by stage: the later a stage, the more often it is cut off."""
    stages = np.array([job.stage for job in plan.jobs], dtype=np.int64)
    rows = np.array([plan.template_share[t] / plan.template_rows[t] for t in plan.workflow_template[plan.job_workflow]])
    weights = _STAGE_WEIGHTS[np.minimum(np.arange(stages.max() + 1), len(_STAGE_WEIGHTS) - 1)]
    mean = float((weights[stages] * rows).sum() / rows.sum())
    return np.minimum(0.9, NEVER_RUN_SHARE * weights / mean)
