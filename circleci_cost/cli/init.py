"""`init`: asks what a configuration needs, looks up what CircleCI can tell, and writes it."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from circleci_cost.circleci import Account, Endpoint, Organization
from circleci_cost.circleci.connection import BASE_URL
from circleci_cost.cli.configuration_text import Answers, configuration_text
from circleci_cost.cli.invocation import load_environment
from circleci_cost.cli.new_file import write_new
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say, shown, write_line
from circleci_cost.clock import SystemClock
from circleci_cost.demo import HISTORY_MONTHS, months_before
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.sections.section import shown_variable, variable_name
from circleci_cost.settings import read_settings

_LIST_PRICE = Decimal("0.0006")
# Beyond these no configuration takes it.
_HIGHEST_PRICE = Decimal(10**8)
_PRICE_DECIMALS = 10
_DEFAULT_TOKEN_ENV = "CIRCLECI_TOKEN"  # noqa: S105 - a variable's name


class _Price(click.ParamType[Decimal]):
    name = "price"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            price = Decimal(str(value))
        except InvalidOperation:
            price = Decimal("NaN")
        if not price.is_finite() or not 0 < price < _HIGHEST_PRICE or price.adjusted() < -_PRICE_DECIMALS:
            self.fail(f"{value!r} is no price; write USD per credit, such as 0.0006.", param, ctx)
        return price


class _Variable(click.ParamType[str]):
    name = "variable"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return variable_name(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


@click.command()
@click.option(
    "--path",
    type=click.Path(dir_okay=False, path_type=Path),
    default="circleci_cost.toml",
    show_default=True,
    help="The file to write.",
)
@click.option("--non-interactive", is_flag=True, help="Ask nothing: take options and defaults.")
@click.option("--name", help="The cost center's name, as reports show it.")
@click.option("--organization-id", help="The paying organization's UUID; else it is looked up.")
@click.option("--slug", help="The paying organization's slug, such as gh/acme.")
@click.option("--shared-organization-id", "shared", multiple=True, help="Another organization on the plan; repeatable.")
@click.option(
    "--token-env",
    type=_Variable(),
    default=_DEFAULT_TOKEN_ENV,
    show_default=True,
    metavar="NAME",
    help="The variable that holds the API token.",
)
@click.option("--price", type=_Price(), help="USD per credit; list price: 0.0006.")
@click.option("--effective-from", type=DAY, metavar="DAY", help="First day of that price; default: history_start.")
@click.option("--history-start", type=DAY, metavar="DAY", help="First day to import; default: 13 months ago.")
@click.option("--base-url", default=BASE_URL, hidden=True, help="The API, for trying with `simulate`.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(
    *,
    path: Path,
    non_interactive: bool,
    name: str | None,
    organization_id: str | None,
    slug: str | None,
    shared: tuple[str, ...],
    token_env: str,
    price: Decimal | None,
    effective_from: date | None,
    history_start: date | None,
    base_url: str,
    force: bool,
) -> None:
    """Write a configuration: finds your organizations with the token, asks for name and price.

    The token is read from the environment (or the .env beside the file); it is never written and never shown.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} is there already and was left as it is; add --force, or name another --path.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write with --path.")
    load_environment(path)
    asking = not non_interactive
    start = history_start or months_before(datetime.now(UTC).date(), HISTORY_MONTHS)
    if organization_id is None:
        found = _look_up(token_env, base_url, asking)
        paying = _choose(found, slug, asking)
        organization_id, slug = paying.id or "", paying.slug
        name = name or _default_name(paying.name)
        if asking and not shared:
            shared = _choose_shared([each for each in found if each.id not in {None, paying.id}])
    if asking:
        name = click.prompt("Name of the cost center in reports", default=name or "main", err=True)
        price = price or click.prompt("Price in USD per credit", default=_LIST_PRICE, type=_Price(), err=True)
        effective_from = effective_from or click.prompt("First day of that price", default=start, type=DAY, err=True)
    answers = Answers(
        name=name or "main",
        organization_id=organization_id,
        slug=slug,
        shared_organization_ids=shared,
        token_env=token_env,
        price=price or _LIST_PRICE,
        effective_from=effective_from or start,
        history_start=start,
        base_url=base_url,
    )
    write_new(path, configuration_text(answers), check=read_settings, replace=force)
    write_line(f"Wrote {path}.")
    _say_next(path, token_env)


def _look_up(token_env: str, base_url: str, asking: bool) -> Sequence[Organization]:
    token = os.environ.get(token_env, "").strip()
    if not token and asking:
        shown_name = shown_variable(token_env, "--token-env")
        say(f"The environment variable {shown_name} is not set. A token can be used once, to find your organizations:")
        say("create one in CircleCI, User Settings, Personal API Tokens. It is not stored and not shown.")
        token = click.prompt("Token", hide_input=True, err=True).strip()
    with Account(Endpoint(token=token, token_env=token_env, base_url=base_url), SystemClock()) as account:
        found = [each for each in account.collaborations() if each.id is not None]
    if not found:
        raise CircleciCostError(
            "The token's owner belongs to no organization that CircleCI knows by an id; give --organization-id from "
            "Organization Settings, Overview."
        )
    return found


def _choose(found: Sequence[Organization], slug: str | None, asking: bool) -> Organization:
    if slug is not None:
        for each in found:
            if each.slug == slug:
                return each
        raise UsageError(f"There is no {slug!r} among this token's organizations: {', '.join(e.slug for e in found)}.")
    if len(found) == 1:
        say(f"Organization: {_line(found[0])}")
        return found[0]
    if not asking:
        raise UsageError(
            f"The token sees several organizations ({', '.join(each.slug for each in found)}); say which one pays with "
            "--slug or --organization-id."
        )
    say("Organizations that the token sees:")
    for number, each in enumerate(found, start=1):
        say(f"  {number}  {_line(each)}")
    chosen: int = click.prompt("Which one pays", type=click.IntRange(1, len(found)), default=1, err=True)
    return found[chosen - 1]


def _choose_shared(others: Sequence[Organization]) -> tuple[str, ...]:
    if not others:
        return ()
    say("Others that may share its plan:")
    for number, each in enumerate(others, start=1):
        say(f"  {number}  {_line(each)}")
    while True:
        given = click.prompt("Which ones do (numbers, empty for none)", default="", show_default=False, err=True)
        numbers = re.findall(r"\d+", given)
        if all(1 <= int(number) <= len(others) for number in numbers):
            return tuple(others[int(number) - 1].id or "" for number in dict.fromkeys(numbers))
        say(f"Write numbers from 1 to {len(others)}, such as 1, 2.")


def _line(organization: Organization) -> str:
    return shown(f"{organization.name} ({organization.slug}, {organization.id})")


def _default_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_") or "main"


def _say_next(path: Path, token_env: str) -> None:
    say("")
    say("Next:")
    if not os.environ.get(token_env):
        # A name of another form may be a password.
        named = token_env if shown_variable(token_env, "") == token_env else "NAME"
        say(f"  export {named}=...          the token; or a line {named}=... in {path.parent / '.env'} (chmod 600)")
    say("  circleci-cost check               token, access, and the prices to review")
    say("  circleci-cost sync                the last days")
    say("  circleci-cost backfill            the history; CircleCI's quota makes a year's 12 exports more than an hour")
    say("  circleci-cost report              the numbers")
