"""How far usage deviates from its expectation: by week of an organization, by day of a project, in counts of pushes.

`rhythm` gives the expectation, `effects` the labelled events. Draws are keyed: a day is the same in any window.
"""

from dataclasses import replace
from datetime import date

import numpy as np

from circleci_cost.simulator.draws import Floats, Integers, Keys, child, normal, root, unit
from circleci_cost.simulator.effects import Effects
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.scenario import Organization

SECONDS_SHARE = 0.25
"""The volatility of durations, as a share of the project's daily volatility."""

_WEEKS_OF_MEMORY = 12
_MEMORY = 0.7
_FEW = 30.0
_SERIES, _WEEK, _PUSHES, _DURATIONS, _COUNT, _MANY = range(100, 106)


def strayed(effects: Effects, organization: Organization, plan: Plan, days: list[date], seed: int) -> Effects:
    """Return the effects times the deviations of the days; unchanged where nothing is volatile."""
    volatility = np.array([project.volatility or 0.0 for project in organization.projects])
    if organization.volatility == 0.0 and not volatility.any():
        return effects
    keys = np.concatenate([root(seed, organization.id, project.id, _SERIES) for project in organization.projects])
    ordinals = np.array([day.toordinal() for day in days], dtype=np.int64)
    cells = child(np.repeat(keys, len(days)), np.tile(ordinals, len(keys)))
    shape = (len(keys), len(days))
    pushes = _factor(volatility[:, None], normal(cells, _PUSHES).reshape(shape))
    pushes = pushes * _weeks(organization, ordinals, seed)[None, :]
    durations = _factor(SECONDS_SHARE * volatility[:, None], normal(cells, _DURATIONS).reshape(shape))
    by_template = np.where(plan.template_scheduled[:, None], 1.0, pushes[plan.template_project])
    by_job = durations[plan.workflow_project[plan.job_workflow]]
    return replace(effects, pipelines=effects.pipelines * by_template, seconds=effects.seconds * by_job)


def poisson(rates: Floats, keys: Keys) -> Integers:
    """Draw a Poisson count for each rate: by inversion where it is small, by the normal distribution elsewhere."""
    small_rates = np.minimum(rates, _FEW)
    uniform = unit(keys, _COUNT)
    term = np.exp(-small_rates)
    reached = term.copy()
    counts = np.zeros(len(rates), dtype=np.int64)
    for count in range(1, 4 * int(_FEW)):
        counts += uniform >= reached
        term = term * small_rates / count
        reached = reached + term
    large_counts = np.floor(rates + np.sqrt(rates) * normal(keys, _MANY) + 0.5)
    return np.where(rates > _FEW, np.maximum(large_counts, 0.0).astype(np.int64), counts)


def _weeks(organization: Organization, ordinals: Integers, seed: int) -> Floats:
    """Return the organization's wandering level on each day: weekly draws that fade, joined by straight lines."""
    first, last = int(ordinals.min()) // 7, int(ordinals.max()) // 7 + 1
    weeks = np.arange(first - _WEEKS_OF_MEMORY, last + 1, dtype=np.int64)
    drawn = normal(child(np.repeat(root(seed, organization.id, _SERIES), len(weeks)), weeks), _WEEK)
    weights = _MEMORY ** np.arange(_WEEKS_OF_MEMORY + 1)
    level = np.convolve(drawn, weights / np.sqrt((weights**2).sum()), mode="valid")
    return _factor(np.array(organization.volatility), np.interp(ordinals / 7, np.arange(first, last + 1), level))


def _factor(deviation: Floats, drawn: Floats) -> Floats:
    """Return log-normal factors of mean 1."""
    return np.asarray(np.exp(deviation * drawn - deviation * deviation / 2), dtype=np.float64)
