"""One call of the command line: which configuration it uses, with the variables of the `.env` beside it."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.streams import say
from circleci_cost.errors import ConfigurationError

if TYPE_CHECKING:
    from circleci_cost.settings import Settings

# What a command notes in its context where it had to go on without something.
LEFT_OUT = "circleci_cost.left_out"
_DEMO = "No circleci_cost.toml here: using the built-in demo (simulated data)"


@dataclass(frozen=True)
class Invocation:
    """What was given before the command's name."""

    config: Path | None

    def settings(self) -> "Settings":
        """Load the settings and say where they are the demo's. Raises `ConfigurationError`."""
        from circleci_cost.settings import load_settings

        load_environment(self.configuration_file())
        settings = load_settings(self.config)
        if settings.is_demo:
            say(_DEMO)
        return settings

    def configuration_file(self) -> Path:
        """The file that is or would be used, whether it is there or not."""
        from circleci_cost.settings import CONFIG_ENV, CONFIG_FILE

        return self.config or Path(os.environ.get(CONFIG_ENV) or CONFIG_FILE)


def load_environment(configuration: Path) -> None:
    """Set the variables of the `.env` beside the configuration that are not set yet, as `dagster dev` does.

    Raises `ConfigurationError` for a file that cannot be read, without its content.
    """
    from dotenv import load_dotenv

    from circleci_cost.configuration_file import is_there, read_text
    from circleci_cost.regular_files import require_regular_file

    if not is_there(configuration):
        return
    file = configuration.resolve().parent / ".env"
    if file.is_dir():
        return
    try:
        require_regular_file(file, ConfigurationError, "Its variables are not set.")
    except ConfigurationError as error:
        say(f"Warning: {error}")
        return
    if is_there(file):
        text = read_text(file)
        if "\0" in text:
            raise ConfigurationError(f"{file} holds a NUL character, which no variable can have; take it out.")
        load_dotenv(stream=io.StringIO(text), override=False)


invocation = click.make_pass_decorator(Invocation)
