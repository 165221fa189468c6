"""What the rules of a configured tag say, in words: conditions and days by the rule's label.

Published costs name their rule; how it is written now is read here. Rules of files are not looked at.
"""

from collections.abc import Iterable

from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.allocation.mapping_files import as_rule
from circleci_cost.model.allocation.plan import TagRule


def configured_tag(tags: Iterable[VirtualTag], name: str) -> VirtualTag:
    """The tag as configured; a tag that is no longer configured has no rules and the usual default."""
    return next((tag for tag in tags if tag.name == name), VirtualTag(name=name))


def rule_conditions(tag: VirtualTag) -> dict[str, str]:
    """The condition of each rule of the configuration, by label."""
    rules = [as_rule(rule, f"rule {number}") for number, rule in enumerate(tag.rules, start=1)]
    return {rule.label: _condition(rule) for rule in rules}


def _condition(rule: TagRule) -> str:
    since = f" from {rule.first}" if rule.first else ""
    until = f" until {rule.last}" if rule.last else ""
    return f"{rule.where}{since}{until}"
