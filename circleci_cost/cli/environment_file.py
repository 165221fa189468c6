"""The `.env` beside a configuration: sets its variables and warns of lines that set none.

Values are secrets: they go into the environment and nowhere else. The callers choose the `.env`.
"""

import io
from pathlib import Path

from dotenv import dotenv_values, load_dotenv
from dotenv.parser import Binding, parse_stream

from circleci_cost.cli.streams import say
from circleci_cost.errors import ConfigurationError
from circleci_cost.named_files.regular_files import require_regular_file
from circleci_cost.sections.toml_file import is_there, read_text

FILE = ".env"
_LINES_NAMED = 5


def load_environment(configuration: Path) -> None:
    """Set the variables of the `.env` beside the configuration, if that is there, as `dagster dev` does."""
    if is_there(configuration):
        load_folder(configuration.resolve().parent)


def load_folder(folder: Path) -> None:
    """Set the variables of the folder's `.env` that are not set yet.

    A line that sets no variable is skipped, with a warning that names its number, not its content. Raises
    `ConfigurationError` for a file that cannot be read.
    """
    file = folder / FILE
    if file.is_dir():
        return
    try:
        require_regular_file(file, ConfigurationError, "Its variables are not set.")
    except ConfigurationError as error:
        say(f"Warning: {error}")
        return
    if is_there(file):
        text, mistakes = _well_formed(_text(file))
        if mistakes:
            say(f"Warning: {_sentence(file, mistakes)}")
        load_dotenv(stream=io.StringIO(text), override=False)


def variable_of(file: Path, name: str) -> str | None:
    """The value that the file gives a variable, None where it gives none. Raises `ConfigurationError`."""
    return dotenv_values(stream=io.StringIO(_well_formed(_text(file))[0])).get(name) if is_there(file) else None


def _text(file: Path) -> str:
    text = read_text(file)
    if "\0" in text:
        raise ConfigurationError(f"{file} holds a NUL character, which no variable can have; take it out.")
    return text


def _well_formed(text: str) -> tuple[str, list[int]]:
    """The text without the lines that set nothing, and the numbers of those lines."""
    bindings = list(parse_stream(io.StringIO(text)))
    mistakes = [_line(binding) for binding in bindings if _sets_nothing(binding)]
    return "".join(binding.original.string for binding in bindings if not _sets_nothing(binding)), mistakes


def _sets_nothing(binding: Binding) -> bool:
    return binding.error or (binding.key is not None and binding.value is None)


def _line(binding: Binding) -> int:
    """The number of the line, from 1; a binding may begin with empty lines."""
    written = binding.original.string
    return binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")


def _sentence(file: Path, lines: list[int]) -> str:
    named = ", ".join(map(str, lines[:_LINES_NAMED])) + (", …" if len(lines) > _LINES_NAMED else "")
    if len(lines) == 1:
        return f"{file}, line {named}: this sets no variable and is left out; write NAME=value."
    return f"{file}, lines {named}: these set no variable and are left out; write NAME=value."
