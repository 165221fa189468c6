"""Reads a TOML configuration: whatever the file holds, the result is a mapping or one sentence, and comes quickly.

The sections in `config` and `model` give the keys their meaning.
"""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from circleci_cost.errors import ConfigurationError
from circleci_cost.named_files.bounded_files import read_at_most, require_size

# Two hundred cost centers with ten prices each take 400 KB.
_MOST_BYTES = 2 << 20
_ADVICE = "that is no configuration"
_MOST_DIGITS = 100
# tomllib needs quadratic time for such a key, and readers of the result need as many nested calls.
_LONG_KEY = re.compile(r"""(?<![\w"'.\\-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
# tomllib's messages that repeat a key, which may be a secret pasted in the wrong place.
_KEY_IN_MESSAGE = re.compile(r"(Cannot declare|namespace|inline table key) .*?(?= twice \(|\Z| \(at )", re.DOTALL)


def read_configuration(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of the file and its content. Raises `ConfigurationError`."""
    text = read_text(path)
    return text, parse_toml(path, text)


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """The content of the text of a file. Raises `ConfigurationError`."""
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
        # Python reads no integer of more than 4,300 digits, and tomllib passes its error on.
        raise ConfigurationError(
            f"{path} holds a number of more than {_MOST_DIGITS} digits; write numbers such as 1200.50."
        ) from None


def _number(written: str) -> Decimal:
    """The exact number. Raises `ValueError` for one like 1e1000000000: as an integer, it has a gigabyte of digits."""
    number = Decimal(written)
    if number.is_finite() and max(abs(number.adjusted()), len(number.as_tuple().digits)) > _MOST_DIGITS:
        raise ValueError("too many digits")
    return number


def is_there(path: Path) -> bool:
    """Whether the path exists; one that the system does not accept as a name does not."""
    try:
        return path.exists()
    except OSError:
        return False


def too_deep(path: Path) -> ConfigurationError:
    """The error for tables or lists nested too deeply."""
    return ConfigurationError(f"{path} nests tables or lists too deeply to be read; take the inner ones out.")


def read_text(path: Path) -> str:
    """The text of a regular file in UTF-8. Raises `ConfigurationError`."""
    try:
        data = read_at_most(path, _MOST_BYTES, _ADVICE)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); give this user read access.") from error
    return decoded(path, data)


def decoded(path: Path, data: bytes, advice: str = _ADVICE) -> str:
    """The text of such a file; what is too large for one is refused with the advice. Raises `ConfigurationError`."""
    require_size(path, data, _MOST_BYTES, advice)
    try:
        # Editors on Windows start UTF-8 with a byte order mark.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
