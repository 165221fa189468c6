"""Chooses the platform whose rules a CODEOWNERS file follows, and reads the file by them.

Reading the lines is the job of `codeowners_github` and `codeowners_gitlab`; turning an owner into a rule is
`codeowners_rules`'.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from circleci_cost.model.allocation.codeowners_file import Owner, OwnersFile
from circleci_cost.model.allocation.codeowners_github import read_github
from circleci_cost.model.allocation.codeowners_gitlab import has_gitlab_syntax, read_gitlab
from circleci_cost.model.allocation.definition import Dialect

NAMES: dict[Dialect, str] = {"github": "GitHub", "gitlab": "GitLab"}
# The folders in which a platform looks for the file.
_FOLDERS: dict[str, Dialect] = {".github": "github", ".gitlab": "gitlab", ".bitbucket": "github"}
# At most this many files stay in memory: a monorepo's file is needed once per project.
_FILES = 64


@dataclass(frozen=True)
class Reading:
    """A file as one platform reads it; `is_certain` where the configuration, the content or the folder decide it."""

    dialect: Dialect
    is_certain: bool
    file: OwnersFile


@lru_cache(_FILES)
def read_owners(text: str, path: Path, dialect: Dialect | None) -> Reading:
    """Read a file by the rules of `dialect`, else of the platform that its content, then its folder, points to."""
    known = dialect or ("gitlab" if has_gitlab_syntax(text) else _FOLDERS.get(path.parent.name))
    chosen: Dialect = known or "github"
    return Reading(chosen, known is not None, read_gitlab(text) if chosen == "gitlab" else read_github(text))


def other_owner(text: str, path: Path, folder: str) -> Owner | None:
    """The owner that a folder would have by GitLab's rules."""
    return read_owners(text, path, "gitlab").file.owner(folder)
