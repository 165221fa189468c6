"""What is amiss with the published data as a whole, each with what to do: the sentences of `check`."""

from collections.abc import Iterator

from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.sentences import sentence_case
from circleci_cost.warehouse.reporting.former_centers import former_centers
from circleci_cost.warehouse.reporting.outdated_days import days_of_earlier_versions, of_earlier_version


def notes_of(snapshot: Snapshot) -> list[str]:
    """The sentences, each as `check` says it."""
    return [f"{sentence_case(sentence).removesuffix('.')}." for sentence in _sentences(snapshot)]


def _sentences(snapshot: Snapshot) -> Iterator[str]:
    yield from former_centers(snapshot.connection, snapshot.settings)
    unfilled = days_of_earlier_versions(snapshot.connection, snapshot.lake)
    if unfilled or snapshot.generation.is_of_earlier_version:
        yield of_earlier_version(unfilled)
