"""The type of the key `data_dir`: a folder of this machine, or an address in an object store.

What an address may look like is in `lake.stores.addresses`; nothing is opened here.
"""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from circleci_cost.lake.stores.addresses import checked_address, is_address
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.sections.section import FilePath


def _of_address(value: Any) -> Any:
    return StorePath(checked_address(value)) if isinstance(value, str) and is_address(value) else value


DataDirectory: TypeAlias = Annotated[FilePath, BeforeValidator(_of_address)]


def resolved(directory: Path, folder: Path) -> Path:
    """A data directory; a relative path starts at `folder`."""
    return directory if isinstance(directory, StorePath) else folder / directory
