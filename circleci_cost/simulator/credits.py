"""What the rows of a day cost in credits, by charge type; whole credits, as in real exports.

Durations and classes come in as arrays. No dollars here: an export has none.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from circleci_cost.simulator.draws import Flags, Floats, Integers, child, root, unit
from circleci_cost.simulator.effects import Effects
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.rows import Rows
from circleci_cost.simulator.scenario import CREDITS_PER_MINUTE, Organization

SEAT_CREDITS = 25_000
DLC_CREDITS = 200

_CONTAINERS, _HAS_STORAGE, _STORAGE, _HAS_NETWORK, _NETWORK, _IP_RANGES = range(40, 46)
_SEAT_DAY, _SEAT_ROW = 50, 51


@dataclass(frozen=True)
class Credits:
    """Credits by charge type, one value per row. No real row seen so far has leases; they stay zero."""

    compute: Integers
    dlc: Integers
    user: Integers
    storage: Integers
    network: Integers
    ipranges: Integers

    @property
    def total(self) -> Integers:
        """Return the sum that TOTAL_CREDITS holds."""
        return self.compute + self.dlc + self.user + self.storage + self.network + self.ipranges


def credits_of(plan: Plan, effects: Effects, rows: Rows) -> Credits:
    """Charge the rows that ran: compute rounded up to whole credits, storage and network on some of the rows."""
    key, job, ran = rows.key, rows.job, rows.ran
    per_minute = _rates(plan, effects)[job, effects.classes[job, rows.day]]
    extra_containers = np.array([j.parallelism - 1 for j in plan.jobs], dtype=np.int64)[job]
    worked = np.ceil(rows.seconds * (1.0 + extra_containers * (0.6 + 0.4 * unit(key, _CONTAINERS))))
    compute = -(-worked.astype(np.int64) * per_minute // 60)
    storage = np.where(unit(key, _HAS_STORAGE) < 0.42, np.exp(6.7 * unit(key, _STORAGE) ** 4), 0.0)
    network = np.where(unit(key, _HAS_NETWORK) < 0.002, 60 + 400 * unit(key, _NETWORK), 0.0)
    caching = np.array([j.docker_layer_caching for j in plan.jobs], dtype=np.bool_)[job]
    ip_ranges = np.array([j.ip_ranges for j in plan.jobs], dtype=np.bool_)[job]
    return Credits(
        compute=np.where(ran, compute, 0),
        dlc=np.where(ran & caching, DLC_CREDITS, 0),
        user=np.zeros(len(job), dtype=np.int64),
        storage=_whole_credits(storage, ran),
        network=_whole_credits(network, ran),
        ipranges=_whole_credits(2 + 30 * unit(key, _IP_RANGES), ran & ip_ranges),
    )


def book_seats(credits: Credits, rows: Rows, organization: Organization, days: list[date], seed: int) -> None:
    """Book each extra seat once a month, mostly early, on a row of its day that ran; without one, not at all."""
    positions = {d: index for index, d in enumerate(days)}
    for year, month in sorted({(d.year, d.month) for d in days}):
        for seat in range(organization.extra_seats):
            key = root(seed, organization.id, year * 12 + month, seat)
            booked_on = date(year, month, 1 + int(28 * unit(key, _SEAT_DAY)[0] ** 2))
            if booked_on not in positions:
                continue
            candidates = np.flatnonzero(rows.ran & (rows.day == positions[booked_on]))
            if len(candidates):
                chosen = int(child(key, _SEAT_ROW)[0] % np.uint64(len(candidates)))
                credits.user[candidates[chosen]] += SEAT_CREDITS


def _rates(plan: Plan, effects: Effects) -> Integers:
    """Return credits per minute by job and class; zero for runners."""
    return np.array(
        [[CREDITS_PER_MINUTE.get((job.executor, name), 0) for name in effects.class_names] for job in plan.jobs],
        dtype=np.int64,
    )


def _whole_credits(amount: Floats, where: Flags) -> Integers:
    """Return whole credits, zero outside `where`."""
    return np.where(where, amount, 0.0).astype(np.int64)
