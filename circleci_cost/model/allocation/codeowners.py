"""Which platform a CODEOWNERS file is written for, and who owns a folder by it.

What the lines mean is `codeowners_github`'s and `codeowners_gitlab`'s; what becomes of an owner, the allocation's.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from circleci_cost.model.allocation.codeowners_file import Owner, OwnersFile
from circleci_cost.model.allocation.codeowners_github import read_github
from circleci_cost.model.allocation.codeowners_gitlab import has_gitlab_syntax, read_gitlab
from circleci_cost.model.allocation.definition import Dialect

NAMES: dict[Dialect, str] = {"github": "GitHub", "gitlab": "GitLab"}
# Where each platform looks for the file.
_FOLDERS: dict[str, Dialect] = {".github": "github", ".gitlab": "gitlab", ".bitbucket": "github"}
# As many as a run reads: a monorepo's file is asked for once per project.
_FILES = 64


@dataclass(frozen=True)
class Reading:
    """A file as one platform reads it; `is_certain` is whether the configuration, the content or the folder say so."""

    dialect: Dialect
    is_certain: bool
    file: OwnersFile


@lru_cache(_FILES)
def read_owners(text: str, path: Path, dialect: Dialect | None) -> Reading:
    """Read a file for the platform that is asked for, else the one that its content, then its folder, belongs to."""
    found = dialect or ("gitlab" if has_gitlab_syntax(text) else _FOLDERS.get(path.parent.name))
    chosen: Dialect = found or "github"
    return Reading(chosen, found is not None, read_gitlab(text) if chosen == "gitlab" else read_github(text))


def other_owner(text: str, path: Path, folder: str) -> Owner | None:
    """The owner of a folder if the file were GitLab's."""
    return read_owners(text, path, "gitlab").file.owner(folder)
