"""Writes a new file whole or not at all: checked before it appears, and never over an existing file unasked."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

from circleci_cost.errors import ConfigurationError, UsageError
from circleci_cost.lake.files import TEMPORARY_PREFIX, fsync_directory, storage_errors
from circleci_cost.named_files.regular_files import require_regular_file


def write_new(
    path: Path, text: str, *, check: Callable[[Path], object] = Path.stat, replace: bool = False, mode: int = 0o600
) -> None:
    """Write `text` to `path`, by default for its owner's eyes only. `check` reads the file before it takes its name.

    Raises what `check` raises, about `path`; `UsageError` where a file is there and `replace` is not set.
    """
    require_regular_file(path, UsageError, "Nothing was written.")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{path.name}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _checked(temporary, path, check)
            if replace:
                temporary.replace(path)
            else:
                # Unlike a rename, a link never replaces a file that another process has just written.
                path.hardlink_to(temporary)
            fsync_directory(path.parent)
        except FileExistsError:
            raise UsageError(f"{path} is there already and was left as it is.") from None
        finally:
            temporary.unlink(missing_ok=True)


def _checked(temporary: Path, path: Path, check: Callable[[Path], object]) -> None:
    try:
        check(temporary)
    except ConfigurationError as error:
        raise ConfigurationError(f"{str(error).replace(str(temporary), str(path))} Nothing was written.") from None
