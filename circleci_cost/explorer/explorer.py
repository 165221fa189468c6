"""The explorer of one data directory: its settings, its snapshots, and who may use it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.errors import CircleciCostError
from circleci_cost.explorer.access import Access
from circleci_cost.explorer.forms import Tokens
from circleci_cost.explorer.snapshot import Snapshots
from circleci_cost.lake.layout import open_lake


class CurrentSettings:
    """The settings, read again when their file changes; with a mistake in it, the former ones stay."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Begin with settings that were read already."""
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._read = _stamp(settings.source_file)
        self.problem: str | None = None

    @property
    def is_demo(self) -> bool:
        """Whether they are the built-in demo's, which has no file: they stay so."""
        return self._settings.is_demo

    def get(self) -> Settings:
        """The settings for one request."""
        source = self._settings.source_file
        with self._lock:
            if source is not None and (stamp := _stamp(source)) != self._read:
                self._read = stamp
                self._read_again(source)
            return self._settings

    def _read_again(self, source: Path) -> None:
        try:
            settings = read_settings(source, self._clock)
        except CircleciCostError as error:
            self.problem = f"The former configuration is used: {error}"
            return
        if settings.data_dir != self._settings.data_dir:
            self.problem = (
                f"The former configuration is used: data_dir is now {settings.data_dir}, and this server reads "
                f"{self._settings.data_dir}. Start `circleci-cost serve` again."
            )
            return
        self._settings, self.problem = settings, None


def _stamp(file: Path | None) -> tuple[int, int] | None:
    try:
        status = file.stat() if file else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if status else None


@dataclass(frozen=True)
class Explorer:
    """What the pages of one server share. `report_bug` gets the errors that no page expects."""

    settings: CurrentSettings
    snapshots: Snapshots
    access: Access
    report_bug: Callable[[BaseException], None]
    tokens: Tokens = field(default_factory=Tokens)


def open_explorer(
    settings: Settings, clock: Clock, access: Access, report_bug: Callable[[BaseException], None]
) -> Explorer:
    """The explorer of a configuration. Raises `StorageError`."""
    snapshots = Snapshots(open_lake(settings.data_dir), clock)
    return Explorer(CurrentSettings(settings, clock), snapshots, access, report_bug)
