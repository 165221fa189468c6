"""What an inspection finds, and what is to be done about it. Changes nothing; `repair` does.

Which command does a step is decided in `commands`.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import Literal

from circleci_cost.lake.manifests import LandedExport
from circleci_cost.warehouse.tables.manifests import Place, TableFile, TableManifest

State = Literal["remark", "error", "fetch"]


class Step(IntEnum):
    """What makes something again, the one that reaches farthest first: each one does those behind it, too."""

    REFETCH = 1
    REREAD = 2
    REPRICE = 3
    DERIVE = 4


@dataclass(frozen=True)
class Remedy:
    """A step for some days of a cost center; without one, for all days of all."""

    step: Step
    cost_center: str = ""
    days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: where, what, and what to do in words where no command does it.

    `state`: `fetch` where days are to be fetched again, `remark` where nothing is wrong. `needs_repair`: the commands
    help only after `doctor --repair` has set the damaged file aside.
    """

    subject: str
    state: State
    where: str
    what: str
    remedies: tuple[Remedy, ...] = ()
    advice: str = ""
    needs_repair: bool = False


@dataclass(frozen=True)
class DamagedSet:
    """A set of tables: its manifest as it was read (None: not readable), and those of its files that are damaged."""

    place: Place
    manifest: TableManifest | None
    files: tuple[TableFile, ...] = ()


@dataclass
class Damage:
    """What a repair sets aside."""

    sets: list[DamagedSet] = field(default_factory=list)
    pointer: bool = False
    generations: list[Path] = field(default_factory=list)
    exports: list[LandedExport] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to set aside."""
        return bool(self.sets or self.pointer or self.generations or self.exports or self.files)
