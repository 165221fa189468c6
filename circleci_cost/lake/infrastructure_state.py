"""What was noticed in files of infrastructure costs as they were read last, and why a source could not be: as JSON.

A memory beside the warehouse that may be lost: files of which nothing is noticed here are read again. The costs
themselves are `warehouse.infrastructure.infrastructure_costs`'s business.
"""

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circleci_cost.lake.files import storage_errors, write_atomic
from circleci_cost.lake.infrastructure_manifests import Manifest
from circleci_cost.lake.layout import Lake
from circleci_cost.model.infrastructure.facts import FileFacts


class SeenFile(BaseModel):
    """What was noticed in a file of this content (`sha256`), read in this way.

    Of its billing periods those of `without` did not count, as a newer delivery holds them; `unread` says that it
    was not looked into for the same reason.
    """

    model_config = ConfigDict(frozen=True)

    sha256: str
    read_as: str
    facts: FileFacts
    without: tuple[date, ...] = ()
    unread: bool = False

    def is_of(self, sha256: str, read_as: str) -> bool:
        """Whether this is what was noticed in that content, read in that way."""
        return not self.unread and (self.sha256, self.read_as) == (sha256, read_as)

    @property
    def superseded(self) -> bool:
        """Whether nothing of the file counts, since newer deliveries hold it all."""
        return self.unread or (bool(self.facts.periods) and set(self.facts.periods) <= set(self.without))

    @property
    def counted(self) -> FileFacts:
        """The facts of what counts."""
        return self.facts.without(self.without)


class Refusal(BaseModel):
    """Why a source could not be read; what was read of it before stays."""

    model_config = ConfigDict(frozen=True)

    source: str
    sentence: str
    exit_code: int


class InfrastructureState(BaseModel):
    """What the last reading noticed: files and manifests by source and path, refusals, and remarks by source."""

    model_config = ConfigDict(frozen=True)

    files: Mapping[str, Mapping[str, SeenFile]] = Field(default_factory=dict)
    manifests: Mapping[str, Mapping[str, Manifest]] = Field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


def read_state(lake: Lake) -> InfrastructureState:
    """What the last reading noticed; nothing where there was none or its words are damaged."""
    path = lake.infrastructure_state
    with storage_errors(path, "read"):
        content = path.read_bytes() if path.exists() else b"{}"
    try:
        return InfrastructureState.model_validate_json(content)
    except ValidationError:
        # All of it is found out again by the next reading.
        return InfrastructureState()


def write_state(lake: Lake, state: InfrastructureState) -> None:
    """Keep what a reading noticed, in place of what was noticed before."""
    with storage_errors(lake.infrastructure_state):
        write_atomic(lake.infrastructure_state, state.model_dump_json().encode())
