"""GitLab's CODEOWNERS: sections with default owners, optional ones, exclusions, and roles and subgroups as owners.

https://docs.gitlab.com/user/project/codeowners/reference/
GitHub's rules are in `codeowners_github`.
"""

import re

from circleci_cost.model.allocation.codeowners_file import (
    EMAIL,
    Entry,
    OwnersFile,
    Remark,
    Section,
    lines_of,
    pattern_and_owners,
)
from circleci_cost.model.allocation.codeowners_patterns import (
    ANY_NAME,
    LONGEST_PATTERN,
    OneOf,
    Pattern,
    Segment,
    Token,
    Wildcard,
    segment,
)
from circleci_cost.text.plain import quoted

_HEADING = re.compile(r"(\^?+)\[([^\]]*+)\](\[\d*+\])?+(.*+)")
_OWNER = re.compile(rf"@@(?:developer|maintainer|owner)s?+|@[\w.-]++(?:/[\w.-]++)*+|{EMAIL}", re.IGNORECASE)


def read_gitlab(text: str) -> OwnersFile:
    """The sections of a file. Those of the same name, in any case, are joined, and optional where all of them are."""
    section = Section("", False, [])
    sections = {"": section}
    defaults: tuple[str, ...] = ()
    remarks = []
    for number, line in lines_of(text):
        if heading := _HEADING.match(line):
            optional, name, _, words = heading.groups()
            section = sections.setdefault(name.strip().casefold(), Section(name.strip(), bool(optional), []))
            section.is_optional &= bool(optional)
            defaults, strange = _owners(words.split() if words[:1].isspace() else [])
            if not name.strip():
                remarks.append(Remark(number, "the section has no name; write one between the brackets"))
            elif words and not words[0].isspace():
                remarks.append(
                    Remark(number, f"GitLab reads this as the heading of a section {quoted(name)}; write ? for [")
                )
        else:
            entry, strange = _entry(number, line, defaults)
            section.entries.append(entry)
        if strange:
            remarks.append(
                Remark(
                    number,
                    f"{strange[0][:100]!r} is no owner and is left out; write @user, @group/subgroup, @@developer, "
                    "@@maintainer, @@owner or an e-mail address",
                )
            )
    return OwnersFile(tuple(sections.values()), tuple(remarks))


def has_gitlab_syntax(text: str) -> bool:
    """Whether a file has syntax that only GitLab reads: section headings, roles, or subgroups."""
    for _, line in lines_of(text):
        heading = _HEADING.match(line)
        if heading and heading.group(2).strip():
            words = heading.group(4)
            # After a range, as in `[ab]*.md @web`, more than owners follows.
            if not words or (words[0].isspace() and not _owners(words.split())[1]):
                return True
        owners = pattern_and_owners(line.partition(" #")[0])[1]
        if any(_OWNER.fullmatch(word) and (word.startswith("@@") or word.count("/") > 1) for word in owners):
            return True
    return False


def gitlab_pattern(written: str) -> Pattern:
    """Split a pattern into its segments.

    Without a slash at its beginning it fits at any depth. With a slash at its end it means everything below the
    folder, without one only files of exactly this path. `**` stands for folders only before a slash.
    """
    if written == "*":
        return (Wildcard.FOLDERS, ANY_NAME)
    names = written.strip("/").split("/")
    segments: list[Segment] = [] if written.startswith("/") else [Wildcard.FOLDERS]
    below = written.endswith("/")
    for position, name in enumerate(names, start=1):
        is_folder = below or position < len(names)
        segments.append(Wildcard.FOLDERS if name == "**" and is_folder else _segment(name))
    return (*segments, Wildcard.FOLDERS, ANY_NAME) if below else tuple(segments)


def _entry(number: int, line: str, defaults: tuple[str, ...]) -> tuple[Entry, list[str]]:
    pattern, words = pattern_and_owners(line)
    if pattern.startswith("!"):
        return Entry(number, _bounded(pattern[1:]), is_exclusion=True), []
    owners, strange = _owners(words)
    return Entry(number, _bounded(pattern), owners if words else defaults), strange


def _bounded(pattern: str) -> Pattern:
    """The pattern's segments; a pattern longer than any path gets none and fits nothing."""
    return gitlab_pattern(pattern) if len(pattern) <= LONGEST_PATTERN else ()


def _owners(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The words that are owners, also inside a comment, and the words before the comment that are not."""
    owners = tuple(word for word in words if _OWNER.fullmatch(word))
    comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    return owners, [word for word in words[:comment] if not _OWNER.fullmatch(word)]


def _segment(name: str) -> Segment:
    tokens: list[Token] = []
    at = 0
    while at < len(name):
        character = name[at]
        at += 1
        if character == "\\" and at < len(name):
            tokens.append(name[at])
            at += 1
        elif character == "*":
            tokens.append(Wildcard.CHARACTERS)
        elif character == "?":
            tokens.append(Wildcard.CHARACTER)
        elif character == "[" and (end := name.find("]", at + 1)) > 0:
            tokens.append(_one_of(name[at:end]))
            at = end + 1
        else:
            tokens.append(character)
    return segment(tokens)


def _one_of(written: str) -> OneOf:
    negated = written[0] in "!^"
    rest = written[negated:]
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(rest):
        is_range = at + 2 < len(rest) and rest[at + 1] == "-"
        ranges.append((rest[at], rest[at + 2] if is_range else rest[at]))
        at += 3 if is_range else 1
    return OneOf(tuple(ranges), negated)
