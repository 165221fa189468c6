"""Where a `.circleci/config.yml` sets the resource class of a job: the edit that changes it, or why there is none.

A class that comes from an executor, an anchor, a parameter or an orb is named and not guessed: others may share it.
"""

import difflib
import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from circleci_cost.model.efficiency.circleci_yaml import (
    CircleciConfig,
    entries,
    entry,
    merged,
    shared_nodes,
    text_of,
    value_of,
)

_CLASS = "resource_class"
_SEVERAL = "its runs want several classes, and line {line} gives them one; decide which"
_EXPRESSION = re.compile(r"<<\s*(.*?)\s*>>")


@dataclass(frozen=True)
class Move:
    """A job that should have another class than the one that its runs had."""

    job: str
    current: str
    wanted: str


@dataclass(frozen=True)
class Edit:
    """A change of the text from the place `start` to `end`."""

    start: int
    end: int
    text: str


def edits(config: CircleciConfig, moves: Sequence[Move]) -> tuple[list[Edit], list[str]]:
    """The edits that make the moves, and a sentence for each move that no edit of a single line makes."""
    shared = shared_nodes(config)
    answers = {move: _edit(config, move, shared) for move in moves}
    asked = Counter(found.start for found in answers.values() if isinstance(found, Edit))
    made: list[Edit] = []
    sentences = []
    for move, found in answers.items():
        if isinstance(found, Edit) and asked[found.start] == 1:
            made.append(found)
            continue
        why = _SEVERAL.format(line=config.text.count("\n", 0, found.start) + 1) if isinstance(found, Edit) else found
        sentences.append(f"{move.job} ({move.current} to {move.wanted}): {why}.")
    return made, sentences


def patch(config: CircleciConfig, made: Sequence[Edit]) -> str:
    """The edits as a unified diff; empty without any."""
    text = config.text
    for each in sorted(made, key=lambda one: one.start, reverse=True):
        text = text[: each.start] + each.text + text[each.end :]
    name = config.path.as_posix()
    before, after = (name, name) if config.path.is_absolute() else (f"a/{name}", f"b/{name}")
    lines = difflib.unified_diff(_lines(config.text), _lines(text), before, after)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _edit(config: CircleciConfig, move: Move, shared: Set[int]) -> Edit | str:
    jobs = config.section("jobs")
    job = value_of(jobs, move.job) if jobs else None
    if job is None:
        return _elsewhere(config, move)
    if not isinstance(job, MappingNode) or id(job) in shared:
        anchored = f"its description, line {config.line_of(job)}, has an anchor that others use, too"
        return anchored if isinstance(job, MappingNode) else f"line {config.line_of(job)} is no description of a job"
    pair = entry(job, _CLASS)
    if pair is not None:
        return _replaced(config, move, *pair, shared)
    for anchor in merged(job):
        if (value := value_of(anchor, _CLASS)) is not None:
            return f"its class comes from an anchor, line {config.line_of(value)}, which others may share"
    executor = _executor_of(job)
    if executor is not None:
        return _of_executor(config, executor)
    return _inserted(config, job, move)


def _executor_of(job: MappingNode) -> Node | None:
    """The `executor` of a job, its own or one that it merges."""
    values = (value_of(each, "executor") for each in (job, *merged(job)))
    return next((value for value in values if value is not None), None)


def _replaced(config: CircleciConfig, move: Move, key: ScalarNode, value: Node, shared: Set[int]) -> Edit | str:
    line = config.line_of(value)
    if id(value) in shared:
        alias = value.start_mark.index < key.end_mark.index
        of_others = f"is an alias of line {line}, which others may share"
        return f"its class {of_others}" if alias else f"its class, line {line}, has an anchor that others use, too"
    if not isinstance(value, ScalarNode):
        return f"the class on line {line} is no name"
    if "<<" in value.value:
        return _of_expression(config, value, line)
    if value.value != move.current:
        return f"line {line} says {value.value}, and its runs had {move.current}; the file may be of another branch"
    start, end = value.start_mark.index, value.end_mark.index
    # An anchor stands before the value and is part of the node's place.
    place = config.text.rfind(value.value, start, end)
    if place < 0:
        return f"line {line} writes the class with escapes"
    return Edit(place, place + len(value.value), move.wanted)


def _of_expression(config: CircleciConfig, value: ScalarNode, line: int) -> str:
    found = _EXPRESSION.search(value.value)
    name = found[1] if found else value.value
    kind = "the parameter" if re.fullmatch(r"(pipeline\.)?parameters\.[\w-]+", name) else "the expression"
    return f"its class comes from {kind} {name}, line {line}"


def _of_executor(config: CircleciConfig, executor: Node) -> str:
    name = text_of(executor)
    if isinstance(executor, MappingNode):
        name = text_of(value_of(executor, "name"))
    line = config.line_of(executor)
    if name is None or "<<" in name:
        return f"its executor, line {line}, is chosen by an expression"
    if "/" in name:
        return f"its class comes from the executor {name} of an orb, line {line}"
    executors = config.section("executors")
    described = value_of(executors, name) if executors else None
    if not isinstance(described, MappingNode):
        return f"its executor {name}, line {line}, is not described in this file"
    value = value_of(described, _CLASS)
    if value is None:
        return f"its executor {name}, line {config.line_of(described)}, names no class, so it is the default one"
    others = _users_of(config, name)
    return (
        f"its class comes from the executor {name}, line {config.line_of(value)}, which {', '.join(others)} "
        f"{'uses' if len(others) == 1 else 'use'}"
    )


def _users_of(config: CircleciConfig, executor: str) -> list[str]:
    jobs = config.section("jobs")
    users = []
    for key, job in entries(jobs) if jobs else ():
        used = _executor_of(job) if isinstance(job, MappingNode) else None
        if isinstance(used, MappingNode):
            used = value_of(used, "name")
        if text_of(used) == executor:
            users.append(key.value)
    return users


def _inserted(config: CircleciConfig, job: MappingNode, move: Move) -> Edit | str:
    """A new line before the job's first one: without a class it has the organization's default."""
    line = config.line_of(job)
    if job.flow_style or not job.value:
        return f"it names no class; add {_CLASS}: {move.wanted} to line {line}"
    first = job.value[0][0].start_mark
    begin = config.text.rfind("\n", 0, first.index) + 1
    indentation = config.text[begin : first.index]
    if indentation.strip(" "):
        return f"it names no class; add {_CLASS}: {move.wanted} behind line {line}"
    ending = "\r\n" if config.text[first.index :].partition("\n")[0].endswith("\r") else "\n"
    return Edit(begin, begin, f"{indentation}{_CLASS}: {move.wanted}{ending}")


def _elsewhere(config: CircleciConfig, move: Move) -> str:
    """Why a job of the export has no description of its own: a name of a workflow, a matrix, an orb."""
    for workflow in _workflows(config):
        jobs = value_of(workflow, "jobs")
        for each in jobs.value if isinstance(jobs, SequenceNode) else ():
            for key, invocation in entries(each) if isinstance(each, MappingNode) else ():
                named = text_of(value_of(invocation, "name")) if isinstance(invocation, MappingNode) else None
                if named == move.job:
                    return f"that is how a workflow, line {config.line_of(key)}, names the job {key.value}"
            used = [key.value for key, _ in entries(each)] if isinstance(each, MappingNode) else [text_of(each)]
            if "/" in move.job and move.job in used:
                return f"it is a job of an orb, line {config.line_of(each)}"
    if text_of(value_of(config.top, "setup")) == "true":
        return "this file only sets up another configuration, which describes the job"
    return "no job of this file has that name; a matrix or an orb may have made it"


def _workflows(config: CircleciConfig) -> list[MappingNode]:
    workflows = config.section("workflows")
    return [each for _, each in entries(workflows) if isinstance(each, MappingNode)] if workflows else []
