"""What the last reading noticed in files of infrastructure costs, and why sources could not be read, as JSON.

The file stands beside the warehouse and may be lost: files without an entry in it are read again. The costs
themselves are in `warehouse.infrastructure.infrastructure_costs`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circleci_cost.lake.files import storage_errors, write_atomic
from circleci_cost.lake.infrastructure_manifests import Manifest
from circleci_cost.lake.layout import Lake
from circleci_cost.model.infrastructure.facts import FileFacts


class SeenFile(BaseModel):
    """What was noticed in a file of this content (`sha256`), read in this way.

    The billing periods in `without` did not count, since a newer delivery holds them; `unread` says that the file was
    not read at all for the same reason.
    """

    model_config = ConfigDict(frozen=True)

    sha256: str
    read_as: str
    facts: FileFacts
    without: tuple[date, ...] = ()
    unread: bool = False

    def is_of(self, sha256: str, read_as: str) -> bool:
        """Whether this was noticed in a file of that content, read in that way."""
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
    """Why a source could not be read; its costs from earlier readings stay."""

    model_config = ConfigDict(frozen=True)

    source: str
    sentence: str
    exit_code: int

    @property
    def notice(self) -> str:
        """The whole sentence, for users."""
        return f"Infrastructure costs of {self.source} were not read: {self.sentence} What was read before stays."


class InfrastructureState(BaseModel):
    """What the last reading noticed: files and manifests by source and path, refusals, and remarks by source."""

    model_config = ConfigDict(frozen=True)

    files: Mapping[str, Mapping[str, SeenFile]] = Field(default_factory=dict)
    manifests: Mapping[str, Mapping[str, Manifest]] = Field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    def of(self, sources: Iterable[str]) -> Self:
        """The refusals and remarks of these sources alone, such as those that are configured now."""
        names = set(sources)
        return self.model_copy(
            update={
                "refusals": tuple(refusal for refusal in self.refusals if refusal.source in names),
                "remarks": {name: remarks for name, remarks in self.remarks.items() if name in names},
            }
        )

    @property
    def notices(self) -> list[str]:
        """A sentence for each refusal and remark."""
        remarks = [f"Infrastructure costs of {name}: {remark}." for name, own in self.remarks.items() for remark in own]
        return [*(refusal.notice for refusal in self.refusals), *remarks]


def read_state(lake: Lake) -> InfrastructureState:
    """Read what the last reading noticed; empty where there was none or the file is damaged."""
    path = lake.infrastructure_state
    with storage_errors(path, "read"):
        content = path.read_bytes() if path.exists() else b"{}"
    try:
        return InfrastructureState.model_validate_json(content)
    except ValidationError:
        # The next reading finds all of it out again.
        return InfrastructureState()


def write_state(lake: Lake, state: InfrastructureState) -> None:
    """Replace the former state by what a reading noticed."""
    with storage_errors(lake.infrastructure_state):
        write_atomic(lake.infrastructure_state, state.model_dump_json().encode())
