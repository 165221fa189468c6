"""`[actors]`: by which trigger sources and branches the kind of a pipeline's actor is told, and the users' names.

What the keys mean together is the macro `actor_kind` of `warehouse/core/macros.sql`, the one place of the rule.
"""

import re
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from circleci_cost.sections.section import FilePath, Label, Section

ACTOR_KINDS = ("person", "bot", "schedule", "api", "agent")


def _branches(pattern: str) -> str:
    if pattern.endswith("/"):
        raise ValueError(f'no branch has this name; write "{pattern}*" for all branches below it')
    return pattern


# `*` stands for any text, slashes included, and `?` for one character.
BranchPattern: TypeAlias = Annotated[Label, AfterValidator(_branches)]


class Actors(Section):
    """`[actors]`: patterns of the branches of bots and agents, sources of schedules and API calls, names of users.

    The defaults are the branches that these tools make when nothing else is configured in them.
    """

    bot_branches: tuple[BranchPattern, ...] = (
        "renovate/*",
        "dependabot/*",
        "snyk-fix-*",
        "snyk-upgrade-*",
        "depfu/*",
        "pyup-*",
        "greenkeeper/*",
        "pre-commit-ci-update-config",
        "imgbot",
        "whitesource-remediate/*",
    )
    agent_branches: tuple[BranchPattern, ...] = ("chunk/*", "codex/*", "copilot/*", "cursor/*", "devin/*")
    schedule_sources: tuple[Label, ...] = ("schedule", "scheduled_pipeline")
    api_sources: tuple[Label, ...] = ("api",)
    trigger_user_names: FilePath | None = None

    @property
    def patterns(self) -> dict[str, str]:
        """The regular expressions that the macro matches, by key; sources are compared in lower case."""
        return {
            "bot_branches": _one_of(self.bot_branches),
            "agent_branches": _one_of(self.agent_branches),
            "schedule_sources": _one_of(source.lower() for source in self.schedule_sources),
            "api_sources": _one_of(source.lower() for source in self.api_sources),
        }


def _one_of(patterns: Iterable[str]) -> str:
    """One regular expression for all patterns: matched 60 times as fast as a list of them. None fits no name."""
    wildcards = {"*": ".*", "?": "."}
    each = ["".join(wildcards.get(sign, re.escape(sign)) for sign in pattern) for pattern in patterns]
    return f"(?s)^(?:{'|'.join(each)})$" if each else r"\b\B"


DEFAULT_ACTORS = Actors()
