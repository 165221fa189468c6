"""How much CPU and RAM the runs of a day use, as columns of an export; credits and times do not depend on it."""

import numpy as np
import polars as pl

from circleci_cost.model.efficiency.rates import shipped_rates
from circleci_cost.simulator.draws import Floats, normal, unit
from circleci_cost.simulator.effects import Effects
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.rows import Rows

_SAMPLED, _CPU, _CPU_MAX, _RAM, _RAM_MAX = range(85, 90)
_CPU_RUN, _RAM_RUN = 90, 91
# How far the use of a run lies from what is typical of its job: the standard deviation of the logarithm.
_SCATTER = 0.08


def utilization(plan: Plan, effects: Effects, rows: Rows) -> dict[str, pl.Series]:
    """Return columns 36 to 39: utilization is sampled every 15 s, so short jobs have none."""
    key = rows.key
    sampled = rows.ran & (rows.seconds >= 15) & (unit(key, _SAMPLED) < 0.6)
    cpu = 3 + 97 * unit(key, _CPU)
    ram = 1 + 60 * unit(key, _RAM) ** 2
    cpu_max = cpu + (100 - cpu) * unit(key, _CPU_MAX)
    ram_max = ram + (100 - ram) * unit(key, _RAM_MAX)
    cpu_used, ram_used = _used(plan, effects, rows)
    typical_cpu = np.minimum(100, 100 * cpu_used * np.exp(_SCATTER * normal(key, _CPU_RUN)))
    typical_ram = np.minimum(100, 100 * ram_used * np.exp(_SCATTER * normal(key, _RAM_RUN)))
    # Its busiest moment takes up to half of the CPU that is left; its largest up to a third more RAM.
    busiest = typical_cpu + (100 - typical_cpu) * 0.5 * unit(key, _CPU_MAX)
    largest = np.minimum(100, typical_ram * (1 + unit(key, _RAM_MAX) / 3))
    values = {
        "MEDIAN_CPU_UTILIZATION_PCT": np.where(np.isnan(cpu_used), cpu, typical_cpu),
        "MAX_CPU_UTILIZATION_PCT": np.where(np.isnan(cpu_used), cpu_max, busiest),
        "MEDIAN_RAM_UTILIZATION_PCT": np.where(np.isnan(ram_used), ram, typical_ram),
        "MAX_RAM_UTILIZATION_PCT": np.where(np.isnan(ram_used), ram_max, largest),
    }
    return {
        name: pl.select(pl.when(pl.Series(sampled)).then(pl.Series(value.astype(np.int64)))).to_series()
        for name, value in values.items()
    }


def _used(plan: Plan, effects: Effects, rows: Rows) -> tuple[Floats, Floats]:
    """Return the shares of its class that each row's job typically uses; NaN where that is not described."""
    sizes = {
        (rate.executor, rate.resource_class): (float(rate.vcpus), float(rate.ram_gb))
        for rate in shipped_rates()
        if rate.vcpus and rate.ram_gb
    }
    none = float("nan")
    shares = np.array(
        [
            [
                (none if use is None else use / size)
                for name in effects.class_names
                for use, size in [
                    ((job.vcpus_used, job.ram_gb_used)[column], sizes.get((job.executor, name), (none, none))[column])
                ]
            ]
            for column in (0, 1)
            for job in plan.jobs
        ]
    ).reshape(2, len(plan.jobs), len(effects.class_names))
    cpu, ram = shares[:, rows.job, effects.classes[rows.job, rows.day]]
    return cpu, ram
