"""The findings of `check` about tokens: their owners, their ends, and the organizations that they can read."""

from collections.abc import Iterator
from datetime import date

from circleci_cost.circleci import Account, Endpoint, Organization
from circleci_cost.circleci.failures import Refusal
from circleci_cost.cli.findings import Finding
from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.config.tokens import api_token
from circleci_cost.errors import AuthorizationError, CircleciCostError, ConfigurationError
from circleci_cost.model.pricing.definition import TOKEN_WARNING_DAYS, CostCenter
from circleci_cost.text.units import counted

# Both forms of a provider's name are in use.
_PROVIDERS = {"github": "gh", "bitbucket": "bb"}


def token_ends(settings: Settings, today: date) -> Iterator[Finding]:
    """Warn of tokens that end soon or have ended according to the configuration; no request is made."""
    for center in settings.cost_centers:
        end = center.api_token_expires
        if end is None or (days := (end - today).days) > TOKEN_WARNING_DAYS:
            continue
        subject = f"{center.name}: {center.api_token_env}"
        if days < 0:
            sentence = (
                f"{subject} ended on {end}, {counted(-days, 'day')} ago, as api_token_expires says; make a new one, "
                "set the variable and api_token_expires, or correct that day if the token still works"
            )
        else:
            when = f"{counted(days, 'day')} from now" if days else "today"
            sentence = f"{subject} ends on {end} ({when}); make a new one, then set the variable and api_token_expires"
        yield Finding("token", "warning", sentence)


def access_findings(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Ask CircleCI about every token and organization."""
    if settings.is_demo:
        yield Finding("access", "ok", "the demo needs no token")
        return
    for center in settings.cost_centers:
        yield from _access_of(settings, center, clock)


def _access_of(settings: Settings, center: CostCenter, clock: Clock) -> Iterator[Finding]:
    try:
        endpoint = Endpoint(token=api_token(center), token_env=center.api_token_env, base_url=settings.api.base_url)
        with Account(endpoint, clock) as account:
            person = account.who_am_i()
            yield Finding("token", "ok", f"{center.name}: {center.api_token_env} is {person.login}'s")
            for organization_id in center.organizations:
                organization = account.organization(organization_id)
                yield Finding("access", "ok", f"{center.name}: {organization.name} ({organization_id})")
                if organization_id == center.organization_id:
                    yield from _slug(center, organization)
            yield Finding(
                "admin rights",
                "ok",
                f"{center.name}: CircleCI does not tell them beforehand; the first export is refused (exit 4) where "
                "the token's owner is no organization admin",
            )
    except Refusal as error:
        # CircleCI answers 404 for an id that is wrong, and for one that the token's owner does not belong to.
        code = ConfigurationError.exit_code if error.status == 404 else error.exit_code
        yield Finding("access", "error", str(error), code)
    except CircleciCostError as error:
        subject = "token" if isinstance(error, AuthorizationError) else "access"
        yield Finding(subject, "error", str(error), error.exit_code)


def _slug(center: CostCenter, organization: Organization) -> Iterator[Finding]:
    if center.slug and _one_form(center.slug) != _one_form(organization.slug):
        yield Finding(
            "slug",
            "warning",
            f"{center.name}: organization_id is that of {organization.slug}, and the configuration says slug = "
            f'"{center.slug}"; correct the one that is wrong: usage is that of the id',
        )


def _one_form(slug: str) -> str:
    provider, _, name = slug.lower().partition("/")
    return f"{_PROVIDERS.get(provider, provider)}/{name}"
