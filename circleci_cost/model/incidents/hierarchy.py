"""Which series lies above which: the tree along which alarms share a cause.

Deciding at which level a cause lies is `causes`' job.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hierarchy:
    """The parent of each series; None for a series at the top."""

    parents: Mapping[str, str | None]
    children: Mapping[str, Sequence[str]] = field(init=False)
    _ancestors: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Build the children from the parents once."""
        children: dict[str, list[str]] = defaultdict(list)
        for series, parent in self.parents.items():
            if parent is not None:
                children[parent].append(series)
        object.__setattr__(self, "children", dict(children))

    def ancestors(self, series: str) -> tuple[str, ...]:
        """The parent, its parent and so on."""
        known = self._ancestors.get(series)
        if known is None:
            parent = self.parents.get(series)
            known = () if parent is None else (parent, *self.ancestors(parent))
            self._ancestors[series] = known
        return known

    def related(self, series: str, other: str) -> bool:
        """Whether two series are the same, or one lies above the other."""
        return series == other or series in self.ancestors(other) or other in self.ancestors(series)
