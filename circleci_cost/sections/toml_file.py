"""Reads the text of a TOML configuration: whatever a file holds, it becomes a mapping or one sentence, in short time.

What the keys mean is `settings`' business.
"""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from circleci_cost.errors import ConfigurationError
from circleci_cost.named_files.regular_files import require_regular_file

# Two hundred cost centers with ten prices each take 400 KB.
_MOST_BYTES = 2 << 20
_MOST_DIGITS = 100
# tomllib takes the square of the time for such a key, and what reads it afterwards needs as many calls.
_LONG_KEY = re.compile(r"""(?<![\w"'.-])(?:["']?[\w-]++["']?[ \t]*+\.[ \t]*+){100}""")
# Where tomllib's words repeat a key, which may be a secret pasted in the wrong place.
_KEY_IN_MESSAGE = re.compile(r"(Cannot declare|namespace|inline table key) .*?(?= twice \(|\Z| \(at )", re.DOTALL)


def read_configuration(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of the file and what it says. Raises `ConfigurationError`."""
    text = read_text(path)
    return text, parse_toml(path, text)


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """What the text of a file says. Raises `ConfigurationError`."""
    if _LONG_KEY.search(text):
        raise too_deep(path)
    try:
        return tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        words = _KEY_IN_MESSAGE.sub(r"\1 a key", str(error))
        raise ConfigurationError(f"{path} is not valid TOML: {words}; correct that line.") from None
    except RecursionError:
        raise too_deep(path) from None
    except ValueError:
        # Python reads no whole number of more than 4,300 digits, and tomllib lets its words through.
        raise ConfigurationError(
            f"{path} holds a number of more than {_MOST_DIGITS} digits; write numbers such as 1200.50."
        ) from None


def _number(written: str) -> Decimal:
    """The exact number. As a whole number, 1e1000000000 would have a gigabyte of digits."""
    number = Decimal(written)
    if number.is_finite() and max(abs(number.adjusted()), len(number.as_tuple().digits)) > _MOST_DIGITS:
        raise ValueError("too many digits")
    return number


def is_there(path: Path) -> bool:
    """Whether something has this name; nothing has a name that the system does not take."""
    try:
        return path.exists()
    except OSError:
        return False


def too_deep(path: Path) -> ConfigurationError:
    """The error for tables in tables in tables."""
    return ConfigurationError(f"{path} nests tables or lists too deeply to be read; take the inner ones out.")


def read_text(path: Path) -> str:
    """The text of a regular file of UTF-8. Raises `ConfigurationError`."""
    require_regular_file(path, ConfigurationError)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); give this user read access.") from error
    if len(data) > _MOST_BYTES:
        raise ConfigurationError(f"{path} is larger than {_MOST_BYTES >> 20} MiB; that is no configuration.")
    try:
        # Editors of Windows begin UTF-8 with a byte order mark.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
