"""How this call names other commands: with --demo where it uses the built-in demo. `text.commands` says which."""

import click

from circleci_cost.text.commands import for_demo

_DEMO = "circleci_cost.demo"


def uses_demo(*, every: bool) -> None:
    """Note that this call uses the demo; `every` other command needs --demo where this one did."""
    click.get_current_context().meta[_DEMO] = every


def as_called(text: str) -> str:
    """A sentence for people, with the commands in it as they have to be called."""
    context = click.get_current_context(silent=True)
    every = context.meta.get(_DEMO) if context else None
    return text if every is None else for_demo(text, every=every)
