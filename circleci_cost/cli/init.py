"""`init`: asks for the values of a configuration, looks up what CircleCI knows, and writes the file.

The sections decide which answers are valid; `dagster_folder` adds the other files of the folder.
"""

import os
import re
import shlex
import signal
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import click

from circleci_cost.circleci import Account, Endpoint, Organization
from circleci_cost.circleci.connection import BASE_URL
from circleci_cost.cli.answers import HISTORY_START, NAME, ORGANIZATION, PRICE, SLUG, URL, VARIABLE, is_answer
from circleci_cost.cli.configuration_text import Answers, configuration_text
from circleci_cost.cli.dagster_folder import Prepared, prepare_folder
from circleci_cost.cli.environment_file import load_folder
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.new_file import write_new
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say, shown, write_line
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.settings import CONFIG_ENV, CONFIG_FILE, read_settings
from circleci_cost.days import HISTORY_MONTHS, months_later
from circleci_cost.errors import AuthorizationError, CircleciCostError, UsageError
from circleci_cost.model.pricing.definition import LIST_PRICE, doubt_about
from circleci_cost.sections.section import shown_variable

_DEFAULT_TOKEN_ENV = "CIRCLECI_TOKEN"  # noqa: S105 - a variable's name


@click.command()
@click.option(
    "--path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; else the one that CIRCLECI_COST_CONFIG names, else ./circleci_cost.toml.",
)
@click.option("--non-interactive", is_flag=True, help="Ask nothing: take options and defaults.")
@click.option("--name", type=NAME, help="The cost center's name, as reports show it.")
@click.option(
    "--organization-id", type=ORGANIZATION, metavar="UUID", help="The paying organization's UUID; else it is looked up."
)
@click.option("--slug", type=SLUG, metavar="SLUG", help="The paying organization's slug, such as gh/acme.")
@click.option(
    "--shared-organization-id",
    "shared",
    multiple=True,
    type=ORGANIZATION,
    metavar="UUID",
    help="Another organization on the plan; repeatable.",
)
@click.option(
    "--token-env",
    type=VARIABLE,
    default=_DEFAULT_TOKEN_ENV,
    show_default=True,
    metavar="NAME",
    help="The variable that holds the API token.",
)
@click.option("--price", type=PRICE, metavar="USD", help="USD per credit; list price: 0.0006; 0 for a free plan.")
@click.option("--confirm-price", is_flag=True, help="The price is right although it lies outside 0.00001 to 0.01.")
@click.option("--effective-from", type=DAY, metavar="DAY", help="First day of that price; default: history_start.")
@click.option("--history-start", type=HISTORY_START, metavar="DAY", help="First day to import; default: 13 months ago.")
@click.option("--base-url", type=URL, default=BASE_URL, metavar="URL", help="The API, for trying with `simulate`.")
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
@invocation
def init(
    call: Invocation,
    *,
    path: Path | None,
    non_interactive: bool,
    name: str | None,
    organization_id: str | None,
    slug: str | None,
    shared: tuple[str, ...],
    token_env: str,
    price: Decimal | None,
    confirm_price: bool,
    effective_from: date | None,
    history_start: date | None,
    base_url: str,
    force: bool,
) -> None:
    """Write a configuration: finds your organizations with the token, asks for name and price.

    The token is read from the environment (or the .env beside the file); it is never written and never shown.
    Beside the file, what `dagster dev` needs is added where it is missing; nothing of yours is replaced.
    """
    # Polars has system calls go on after Ctrl-C; a question has to end at once.
    signal.siginterrupt(signal.SIGINT, True)
    path = path or call.configuration_file()
    if path.exists() and not force:
        raise UsageError(f"{path} is there already and was left as it is; add --force, or name another --path.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write with --path.")
    # The token may also be in the `.env` beside the configuration that other commands use.
    for folder in dict.fromkeys(file.resolve().parent for file in (path, call.configuration_file())):
        load_folder(folder)
    asking = not non_interactive
    start = history_start or months_later(utc_today(call.clock), -HISTORY_MONTHS)
    if organization_id is None:
        organizations = _look_up(token_env, base_url, asking, call.clock)
        paying = _choose(organizations, slug, asking)
        organization_id, slug = paying.id or "", paying.slug if is_answer(SLUG, paying.slug) else None
        name = name or _default_name(paying.name)
        if asking and not shared:
            shared = _choose_shared([other for other in organizations if other.id not in {None, paying.id}])
    if asking:
        default = name or "main"
        name = click.prompt("Name of the cost center in reports", default=default, type=NAME, err=True)
    price, confirmed = _price_and_confirmation(price, confirm_price, asking)
    if asking:
        effective_from = effective_from or click.prompt("First day of that price", default=start, type=DAY, err=True)
    answers = Answers(
        name=name or "main",
        organization_id=organization_id,
        slug=slug,
        shared_organization_ids=[shared_id for shared_id in dict.fromkeys(shared) if shared_id != organization_id],
        token_env=token_env,
        price=price,
        price_confirmed=confirmed,
        effective_from=effective_from or start,
        history_start=start,
        base_url=base_url,
    )
    check = partial(read_settings, clock=call.clock)
    write_new(path, configuration_text(answers), check=check, replace=force)
    settings = check(path)
    write_line(f"Wrote {path}.")
    _say_next(path, token_env, prepare_folder(settings))


def _price_and_confirmation(price: Decimal | None, confirmed: bool, asking: bool) -> tuple[Decimal, bool]:
    """The price, and whether the file has to confirm it. Raises `UsageError`."""
    while True:
        if price is None:
            price = (
                click.prompt("Price in USD per credit", default=LIST_PRICE, type=PRICE, err=True) if asking else None
            )
        if price is None:
            return LIST_PRICE, False
        doubt = doubt_about(price)
        if not price and asking and not confirmed:
            doubt = "A price of 0 makes every cost $0, as on a free plan"
        if not doubt or confirmed:
            if not price:
                say("The price is 0: every cost will be $0, as on a free plan.")
            return price, bool(doubt)
        if not asking:
            raise UsageError(f"--price: {doubt}; correct it, or add --confirm-price if it is right.")
        if click.confirm(f"{doubt}. Is it right?", default=False, err=True):
            return price, bool(doubt_about(price))
        price = None


def _look_up(token_env: str, base_url: str, asking: bool, clock: Clock) -> Sequence[Organization]:
    token = os.environ.get(token_env, "").strip()
    shown_name = shown_variable(token_env, "--token-env")
    if not token and not asking:
        raise AuthorizationError(
            f"The environment variable {shown_name} is not set, and no line of .env sets it; it holds the API token "
            "that finds your organizations. Set it, or give --organization-id."
        )
    if token:
        return _organizations(Endpoint(token=token, token_env=token_env, base_url=base_url), clock)
    say(f"The environment variable {shown_name} is not set. A token can be used once, to")
    say("find your organizations: create one in CircleCI, User Settings, Personal API")
    say("Tokens. It is not stored and not shown.")
    while True:
        token = click.prompt("Token", hide_input=True, err=True).strip()
        try:
            return _organizations(Endpoint(token=token, token_env=token_env, base_url=base_url), clock)
        except AuthorizationError as error:
            say(f"Error: {error}")


def _organizations(endpoint: Endpoint, clock: Clock) -> Sequence[Organization]:
    with Account(endpoint, clock) as account:
        organizations = [organization for organization in account.collaborations() if organization.id is not None]
    if not organizations:
        raise CircleciCostError(
            "The token's owner belongs to no organization that CircleCI knows by an id; give --organization-id from "
            "Organization Settings, Overview."
        )
    return organizations


def _choose(organizations: Sequence[Organization], slug: str | None, asking: bool) -> Organization:
    slugs = ", ".join(organization.slug for organization in organizations)
    if slug is not None:
        for organization in organizations:
            if organization.slug == slug:
                return organization
        raise UsageError(f"There is no {slug!r} among this token's organizations: {slugs}.")
    if len(organizations) == 1:
        say(f"Organization: {_line(organizations[0])}")
        return organizations[0]
    if not asking:
        raise UsageError(
            f"The token sees several organizations ({slugs}); say which one pays with --slug or --organization-id."
        )
    say("Organizations that the token sees:")
    for number, organization in enumerate(organizations, start=1):
        say(f"  {number}  {_line(organization)}")
    chosen: int = click.prompt("Which one pays", type=click.IntRange(1, len(organizations)), default=1, err=True)
    return organizations[chosen - 1]


def _choose_shared(candidates: Sequence[Organization]) -> tuple[str, ...]:
    if not candidates:
        return ()
    say("Others that may share its plan:")
    for number, organization in enumerate(candidates, start=1):
        say(f"  {number}  {_line(organization)}")
    while True:
        typed = click.prompt("Which ones do (numbers, empty for none)", default="", show_default=False, err=True)
        numbers = re.split(r"[,;\s]+", typed.strip(" ,;")) if typed.strip(" ,;") else []
        if all(number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= len(candidates) for number in numbers):
            return tuple(dict.fromkeys(candidates[int(number) - 1].id or "" for number in numbers))
        say(f"Write numbers from 1 to {len(candidates)}, such as 1, 2.")


def _line(organization: Organization) -> str:
    return shown(f"{organization.name} ({organization.slug}, {organization.id})")


def _default_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:63] or "main"


def _say_next(path: Path, token_env: str, prepared: Prepared) -> None:
    for sentence in prepared.remarks:
        say(sentence)
    say("")
    say("Next:")
    if path.parent.resolve() != Path.cwd():
        say(f"  cd {shlex.quote(str(path.parent))}")
    if path.name != CONFIG_FILE and os.environ.get(CONFIG_ENV) != str(path):
        say(f"  export {CONFIG_ENV}={shlex.quote(str(path.resolve()))}")
    if not os.environ.get(token_env):
        # A name of an unusual form may be a password, so it is not shown.
        variable = token_env if shown_variable(token_env, "") == token_env else "NAME"
        say(f"  export {variable}=...   the token; or that line in {path.parent / '.env'} (chmod 600)")
    for command, purpose in (
        ("circleci-cost check", "token, access, and the prices to review"),
        ("circleci-cost backfill", "the history; CircleCI's quota makes it over an hour"),
        ("circleci-cost report", "the numbers"),
        (prepared.command, "assets, runs, daily schedule: http://127.0.0.1:3000"),
    ):
        say(f"  {command:<23} {purpose}")
