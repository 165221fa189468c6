"""One call of the command line: which configuration it uses, with the variables of the `.env` beside it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.called_as import uses_demo
from circleci_cost.cli.streams import say
from circleci_cost.clock import Clock, SystemClock

if TYPE_CHECKING:
    from circleci_cost.config.settings import Settings

# A command sets this key in its context where it had to go on without something.
LEFT_OUT = "circleci_cost.left_out"
_DEMO = "using the built-in demo (simulated data)"


@dataclass(frozen=True)
class Invocation:
    """The options before the command's name, and the clock that says which day it is."""

    config: Path | None
    demo: bool = False
    clock: Clock = field(default_factory=SystemClock)

    def settings(self) -> "Settings":
        """The settings for a command that only reads; without a configuration, those of a demo that was run.

        Says so where they are the demo's. Raises `ConfigurationError`.
        """
        from circleci_cost.cli.environment_file import load_environment
        from circleci_cost.config.settings import CONFIG_FILE, demo_settings, load_settings

        if self.demo:
            uses_demo(every=True)
            say(f"--demo: {_DEMO}")
            return demo_settings(clock=self.clock)
        load_environment(self.configuration_file())
        settings = load_settings(self.config, clock=self.clock)
        if settings.is_demo:
            uses_demo(every=False)
            say(f"No {CONFIG_FILE} here: {_DEMO}")
        return settings

    def own_settings(self) -> "Settings":
        """The settings for a command that fetches, computes or sends: the demo's only where --demo asks for them.

        Raises `ConfigurationError`.
        """
        from circleci_cost.config.settings import CONFIG_ENV, no_configuration

        # No configuration is named and none exists; the data of a demo do not count here.
        if not (self.demo or self.config or os.environ.get(CONFIG_ENV) or self.configuration_file().exists()):
            raise no_configuration(click.get_current_context().command_path)
        return self.settings()

    def configuration_file(self) -> Path:
        """The file that is or would be used, whether it exists or not."""
        from circleci_cost.config.settings import CONFIG_ENV, CONFIG_FILE

        return self.config or Path(os.environ.get(CONFIG_ENV) or CONFIG_FILE)


invocation = click.make_pass_decorator(Invocation)
