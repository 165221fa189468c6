"""Turns the owner of a project, or of a folder in it, by its CODEOWNERS file into a rule of a tag.

Reading the file and finding the line that fits a folder is the job of `codeowners` and its siblings.
"""

from collections.abc import Iterator
from pathlib import Path

from circleci_cost.model.allocation.codeowners import NAMES, Reading, other_owner, read_owners
from circleci_cost.model.allocation.codeowners_file import Owner
from circleci_cost.model.allocation.definition import CodeOwners
from circleci_cost.model.allocation.plan import TagRule
from circleci_cost.model.usage.conditions import Condition, Conditions, Operator
from circleci_cost.named_files.csv_tables import decoded
from circleci_cost.text.plain import QUOTABLE_LENGTH, cut, same_name
from circleci_cost.text.units import counted

# A file of the other platform may get a remark on every line.
_MOST_REMARKS = 5


class OwnedProject:
    """One entry of `[[virtual_tags.codeowners]]` with the contents of its file. Raises `ConfigurationError`."""

    def __init__(self, path: Path, content: bytes, entry: CodeOwners) -> None:
        """Read the file, unless it was read before."""
        self._path, self._entry = path, entry
        # A line that cannot be put into one form leaves the others theirs.
        self._text = "\n".join(map(same_name, decoded(path, content).split("\n")))
        # `services/web` and `/services/web/` are the same folder.
        self._folder = same_name(entry.path).strip("/")
        self._reading: Reading = read_owners(self._text, path, entry.dialect)
        self._owner: Owner | None = self._reading.file.owner(self._folder)

    @property
    def rule(self) -> TagRule | None:
        """The rule that gives the project's cost to the first owner of its folder; None where nobody owns it."""
        if self._owner is None:
            return None
        label = f"CODEOWNERS of {self._entry.project} line {self._owner.line}"
        return owned_by(self._entry, self._entry.values.get(self._owner.name, self._owner.name), label)

    @property
    def warnings(self) -> Iterator[str]:
        """Sentences about lines that the platform does not read, and about a folder that nobody owns."""
        remarks = self._reading.file.remarks
        for remark in remarks[:_MOST_REMARKS]:
            yield f"{self._path}, line {remark.line}: {remark.text}."
        if len(remarks) > _MOST_REMARKS:
            yield f"{self._path}: {counted(len(remarks) - _MOST_REMARKS, 'more line')} like these."
        if self._owner is None:
            line = self._reading.file.line_about_a_part(self._folder)
            part = "" if line is None else f" (line {line} is about a part of it)"
            yield (
                f"{self._path} names no owner of {self._entry.path}{part} for the project {self._entry.project!r}; add "
                "a line for it, such as * @team."
            )

    @property
    def reading(self) -> str:
        """How the file was read, and its other possible meaning where nothing shows the platform."""
        read = f"{self._path} is read by the rules of {NAMES[self._reading.dialect]}"
        if self._reading.is_certain:
            return read
        other = other_owner(self._text, self._path, self._folder)
        if other == self._owner:
            return read
        owner = f"{cut(other.name, QUOTABLE_LENGTH)} (line {other.line})" if other else "nobody"
        return (
            f"{read}, as nothing in it shows its platform; by GitLab's rules {owner} would own "
            f'{self._entry.project}: write dialect = "github" or "gitlab" beside file'
        )


def owned_by(entry: CodeOwners, value: str, label: str, *, is_withheld: bool = False) -> TagRule:
    """The rule that gives one value to the whole project, named by its name or its id."""
    either = tuple((Condition(name, Operator.IN, (entry.project,)),) for name in ("project", "project_id"))
    return TagRule(
        label,
        Conditions(either),
        value,
        None,
        entry.from_,
        entry.until,
        owned_project=entry.project,
        is_withheld=is_withheld,
    )
