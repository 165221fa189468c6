"""The base of channels with one recipient, the channel itself; e-mail has several.

Each channel sends in its own module.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from circleci_cost.config.notifications import ChannelSection

Section = TypeVar("Section", bound=ChannelSection)


@dataclass(frozen=True)
class SingleRecipient(Generic[Section]):
    """What such channels have in common."""

    section: Section

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.section.name

    @property
    def recipients(self) -> tuple[str, ...]:
        """The channel itself."""
        return (self.name,)
