"""One call's answer from one published generation: within the explorer's limits, ended when nobody waits for it.

What is asked and answered is in `tools`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import anyio
from anyio.to_thread import run_sync
from mcp.server.mcpserver.exceptions import ToolError

from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.errors import CircleciCostError
from circleci_cost.explorer.ending import Ending, Reason
from circleci_cost.explorer.explorer import CurrentSettings
from circleci_cost.explorer.frame import status_of
from circleci_cost.explorer.snapshot import Snapshot, Snapshots
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.text.commands import for_demo
from circleci_cost.text.secrets import without_secrets

Answer: TypeAlias = Mapping[str, object]
MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Published:
    """What calls share: the settings, read again when their file changes, and the generation that is kept open."""

    settings: CurrentSettings
    snapshots: Snapshots
    limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(MOST_AT_ONCE))

    async def answer(self, ask: Callable[[Snapshot], Answer]) -> dict[str, object]:
        """The answer of `ask` with currency, data-through and notes; a call that is canceled ends its queries.

        Raises `ToolError`, with a sentence for the client, for every error that its user can act on.
        """
        ending = Ending()
        try:
            return await run_sync(self._answered, ask, ending, abandon_on_cancel=True, limiter=self.limiter)
        except CircleciCostError as error:
            raise ToolError(self._public(str(error))) from error
        finally:
            ending.ask(Reason.READER_LEFT)

    def close(self) -> None:
        """End all queries and close what is open."""
        self.snapshots.stop()
        self.snapshots.close()

    def _answered(self, ask: Callable[[Snapshot], Answer], ending: Ending) -> dict[str, object]:
        with self.snapshots.take(self.settings.get(), ending) as snapshot:
            manifest = snapshot.generation.manifest
            problem = self.settings.problem
            around: dict[str, object] = {
                "currency": CURRENCY,
                **manifest.as_of,
                "is_demo": snapshot.settings.is_demo,
                "notes": [*([problem] if problem else []), *status_of(snapshot).notes],
            }
            answer = around | dict(ask(snapshot))
            sentences = {name: answer[name] for name in ("notes", "shortfalls") if name in answer}
            return answer | {name: [self._public(str(text)) for text in _each(of)] for name, of in sentences.items()}

    def _public(self, sentence: str) -> str:
        """A sentence without secrets and without the folders of this machine: the client's provider reads it."""
        settings = self.settings.get()
        folders = {settings.data_dir.parent.absolute(), settings.resolve(Path()).absolute()}
        for folder in sorted(map(str, folders), key=len, reverse=True):
            sentence = sentence.replace(f"{folder}/", "")
        return without_secrets(for_demo(sentence, every=True) if self.settings.is_demo else sentence)


def _each(sentences: object) -> Iterable[object]:
    """The sentences of an answer."""
    return sentences if isinstance(sentences, Iterable) else ()


def open_published(settings: Settings, clock: Clock) -> Published:
    """The published data of a configuration. Raises `StorageError`."""
    return Published(CurrentSettings(settings, clock), Snapshots(open_lake(settings.data_dir), clock))
