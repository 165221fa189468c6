"""A `.circleci/config.yml` as a tree of nodes with their places in the text; no value is built from it.

What a node means for a job's class is `class_in_config`'s job.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml import SafeLoader, YAMLError, compose
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from circleci_cost.errors import ConfigurationError
from circleci_cost.sections.toml_file import is_there, read_text

_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class CircleciConfig:
    """The text of a configuration, line ends as they are, and the mapping at its top."""

    path: Path
    text: str
    top: MappingNode

    def line_of(self, node: Node) -> int:
        """The number of the line on which a node begins, from 1."""
        return self.text.count("\n", 0, node.start_mark.index) + 1

    def section(self, name: str) -> MappingNode | None:
        """A mapping at the top, such as `jobs`; None where there is none."""
        value = value_of(self.top, name)
        return value if isinstance(value, MappingNode) else None


def read_circleci_config(path: Path) -> CircleciConfig:
    """Read a configuration of version 2.1. Raises `ConfigurationError`, with the line where there is one."""
    if not is_there(path):
        raise ConfigurationError(f"{path} is not there; name your .circleci/config.yml.")
    text = read_text(path)
    try:
        # Only nodes are made: neither objects nor what an alias would multiply.
        top = compose(text, Loader=SafeLoader)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}," if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigurationError(f"{path}{where} is not valid YAML: {problem}; correct it.") from None
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deeply to be a configuration of CircleCI.") from None
    if not isinstance(top, MappingNode):
        raise ConfigurationError(f"{path} is no configuration of CircleCI: name your .circleci/config.yml.")
    version = text_of(value_of(top, "version"))
    if version != "2.1":
        raise ConfigurationError(f"{path} is of version {version or '(none)'}; only 2.1 is understood.")
    return CircleciConfig(path, text, top)


def entries(mapping: MappingNode) -> Iterator[tuple[ScalarNode, Node]]:
    """The keys that a mapping itself has, with their values; what it merges (`<<`) is left out."""
    for key, value in mapping.value:
        if isinstance(key, ScalarNode) and key.tag != _MERGE:
            yield key, value


def entry(mapping: MappingNode, name: str) -> tuple[ScalarNode, Node] | None:
    """A key of the mapping itself, and its value; the last one counts."""
    return next((pair for pair in reversed(list(entries(mapping))) if pair[0].value == name), None)


def value_of(mapping: MappingNode, name: str) -> Node | None:
    """The value of a key of the mapping itself."""
    pair = entry(mapping, name)
    return pair[1] if pair else None


def merged(mapping: MappingNode) -> Iterator[MappingNode]:
    """The mappings that it merges (`<<: *anchor`), each before those that it merges itself: the first one counts."""
    ahead, seen = _merged_directly(mapping), {id(mapping)}
    while ahead:
        node, *ahead = ahead
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            ahead = [*_merged_directly(node), *ahead]


def _merged_directly(mapping: MappingNode) -> list[MappingNode]:
    values = [value for key, value in mapping.value if key.tag == _MERGE]
    each = (part for value in values for part in (value.value if isinstance(value, SequenceNode) else [value]))
    return [node for node in each if isinstance(node, MappingNode)]


def shared_nodes(config: CircleciConfig) -> set[int]:
    """The `id` of every node that stands in several places: an anchor that is used, by an alias or a merge."""
    seen: set[int] = set()
    shared: set[int] = set()
    ahead: list[Node] = [config.top]
    while ahead:
        node = ahead.pop()
        if id(node) in seen:
            shared.add(id(node))
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            ahead += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            ahead += node.value
    return shared


def text_of(node: Node | None) -> str | None:
    """The text of a scalar; None of anything else."""
    return node.value if isinstance(node, ScalarNode) else None
