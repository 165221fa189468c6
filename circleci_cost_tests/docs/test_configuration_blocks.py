"""Every block of TOML in the documents is one that the configuration takes, merged into a small one around it."""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from circleci_cost.config.settings import Settings
from circleci_cost_tests.docs.documents import GUIDES, Document, Fence, documents

# What a block may speak of and leave to others: a team, a budget above, a channel, an owner.
_AROUND = """\
history_start = 2025-10-22
[[cost_centers]]
name = "around"
organization_id = "00000000-0000-4000-8000-000000000000"
[[virtual_tags]]
name = "team"
[[budgets]]
name = "engineering"
[[budgets.amounts]]
amount = 1
[[notifications.channels]]
name = "payments-chat"
type = "slack"
url_env = "SLACK_WEBHOOK_URL"
[[notifications.owners]]
name = "payments"
channels = ["payments-chat"]
"""
# Behind the fence of a block that is part of a table, such as a few keys: ```toml fragment
_FRAGMENT = "fragment"


def blocks(document: Document) -> Iterator[Fence]:
    """The fenced TOML."""
    return (fence for fence in document.fences if fence.language == "toml")


def read(fence: Fence) -> Settings | None:
    """The settings with what a block says; None for a fragment. Raises what a mistake raises."""
    content = tomllib.loads(fence.code, parse_float=Decimal)
    if _FRAGMENT in fence.info.split():
        return None
    return Settings.model_validate(_merged(tomllib.loads(_AROUND, parse_float=Decimal), content))


def _merged(around: Any, block: Any) -> Any:
    """The block, and of what is around it what it does not say itself; tables of a list are told apart by name."""
    if isinstance(around, dict) and isinstance(block, dict):
        shared = around.keys() & block.keys()
        return around | block | {name: _merged(around[name], block[name]) for name in shared}
    if isinstance(around, list) and isinstance(block, list):
        names = {each.get("name") for each in block if isinstance(each, dict)}
        return [*block, *(each for each in around if each.get("name") not in names)]
    if isinstance(around, list) and isinstance(block, dict):
        # [[cost_centers.pricing]] without [[cost_centers]] goes on with the last one.
        return [*around[:-1], _merged(around[-1], block)]
    return block


@pytest.mark.parametrize("document", documents(), ids=lambda each: each.name)
def test_every_block_of_toml_is_a_configuration(document: Document) -> None:
    for fence in blocks(document):
        try:
            read(fence)
        except (ValidationError, tomllib.TOMLDecodeError) as error:
            pytest.fail(f"{document.name}, line {fence.line}: {error}")


def test_the_guides_show_configurations() -> None:
    assert sum(1 for path in GUIDES.glob("*.md") for _ in blocks(Document(path))) >= 15


def test_a_block_is_merged_into_what_it_leaves_out() -> None:
    settings = read(Fence("toml", '[[budgets]]\nname = "web"\namount = 1\nwhere = { team = "web" }\n', 1))
    assert settings is not None
    assert [each.name for each in settings.budgets] == ["web", "engineering"]
    assert [each.name for each in settings.virtual_tags] == ["team"]


def test_a_block_may_go_on_with_a_section() -> None:
    settings = read(Fence("toml", "[[budgets.amounts]]\namount = 2\nuntil = 2026-01-31\n", 1))
    assert settings is not None
    assert [each.amount for each in settings.budgets[0].amounts] == [2]


def test_a_fragment_needs_to_be_toml_only() -> None:
    assert read(Fence("toml fragment", "price_per_credit = 0.0006", 1)) is None
    with pytest.raises(tomllib.TOMLDecodeError):
        read(Fence("toml fragment", "price_per_credit = ", 1))


@pytest.mark.parametrize("code", ["[anomalies]\nminimum_impct_usd = 1", '[[budgets]]\nname = "x"', "no_key = 1"])
def test_a_block_that_the_configuration_refuses_is_found(code: str) -> None:
    with pytest.raises(ValidationError):
        read(Fence("toml", code, 1))
