"""GitHub's CODEOWNERS: patterns as in `.gitignore`, without negation and ranges; lines it cannot read are skipped.

https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
Bitbucket documents the same rules; the number of reviewers that it picks from a group, such as
`@acme/web:random(2)`, is no part of the owner. GitLab's rules are in `codeowners_gitlab`.
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
    Pattern,
    Segment,
    Token,
    Wildcard,
    segment,
)

_OWNER = re.compile(rf"(@[\w.-]++(?:/[\w.-]++)?+|{EMAIL})(?::(?:all|(?:random|least_busy)\(\d++\)))?+")
_RANGE = re.compile(r"(?:\\.|[^\\\[\]])*+[\[\]]")


def read_github(text: str) -> OwnersFile:
    """The entries of a file, all in one section. A line with a mistake is skipped, as GitHub does, with a remark."""
    entries, remarks = [], []
    for number, line in lines_of(text):
        pattern, words = pattern_and_owners(line.partition("#")[0])
        owners = [_OWNER.fullmatch(word) for word in words]
        if mistake := _mistake(pattern, words[owners.index(None)] if None in owners else None):
            remarks.append(Remark(number, f"GitHub skips this line: {mistake}"))
        else:
            entries.append(Entry(number, github_pattern(pattern), tuple(owner.group(1) for owner in owners if owner)))
    return OwnersFile((Section("", False, entries),), tuple(remarks))


def github_pattern(written: str) -> Pattern:
    """Split a pattern into its segments.

    A slash at its beginning or inside it ties it to the root, a slash at its end makes it a folder. A folder means
    everything below it; `dir/*` means the files directly in it.
    """
    names = written.strip("/").split("/")
    anchored = "/" in written.removesuffix("/")
    segments: list[Segment] = [] if anchored else [Wildcard.FOLDERS]
    segments += [_segment(name) for name in names]
    if written.endswith("/") or names[-1] == "**":
        return (*segments, Wildcard.FOLDERS, ANY_NAME)
    if anchored and names[-1] == "*":
        return tuple(segments)
    return (*segments, Wildcard.FOLDERS)


def _segment(name: str) -> Segment:
    if name == "**":
        return Wildcard.FOLDERS
    tokens: list[Token] = []
    characters = iter(name)
    for character in characters:
        if character == "\\":
            tokens.append(next(characters, "\\"))
        elif character == "*":
            tokens.append(Wildcard.CHARACTERS)
        else:
            tokens.append(Wildcard.CHARACTER if character == "?" else character)
    return segment(tokens)


def _mistake(pattern: str, no_owner: str | None) -> str | None:
    ends_escaping = (len(pattern) - len(pattern.rstrip("\\"))) % 2
    mistakes = {
        "! takes nothing out there; write the path without owners instead": pattern.startswith("!"),
        "there are no ranges in [ ]; write a line for each": _RANGE.match(pattern),
        "*** is no wildcard; write * or **": "***" in pattern,
        "/ alone fits nothing; write *": not pattern.replace("/", ""),
        "a backslash at the end of a pattern escapes nothing, nor does one escape #; write ? for it": ends_escaping,
        "its pattern is longer than any path": len(pattern) > LONGEST_PATTERN,
        f"{(no_owner or '')[:100]!r} is no owner; write @user, @organization/team or an e-mail address": no_owner,
    }
    return next((mistake for mistake, is_made in mistakes.items() if is_made), None)
