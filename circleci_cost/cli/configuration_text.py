"""The text of a new `circleci_cost.toml`, with comments, so that it can be edited without the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.circleci.connection import BASE_URL
from circleci_cost.text.literals import toml_string


@dataclass(frozen=True)
class Answers:
    """The answers of the user of `init`, and what it looked up."""

    name: str
    organization_id: str
    slug: str | None
    shared_organization_ids: Sequence[str]
    token_env: str
    price: Decimal
    effective_from: date
    history_start: date
    price_confirmed: bool = False
    base_url: str = BASE_URL


def configuration_text(answers: Answers) -> str:
    """Render the file; it holds the name of the token's variable, never the token."""
    shared = ", ".join(toml_string(organization_id) for organization_id in answers.shared_organization_ids)
    slug = f"slug = {toml_string(answers.slug)}" if answers.slug else '# slug = "gh/your-organization"'
    api = "" if answers.base_url == BASE_URL else f"\n[api]\nbase_url = {toml_string(answers.base_url)}\n"
    confirm = (
        "\n# It is right, although list prices are near 0.0006.\nconfirm = true" if answers.price_confirmed else ""
    )
    return f"""\
# Configuration of circleci-cost. `circleci-cost check` looks it over; times and days are UTC.

# Where usage exports, job runs and costs are kept; relative to this file.
data_dir = "data"
# The first day of the history. CircleCI serves the last 366 days; older days can come from files.
history_start = {answers.history_start}
# CircleCI restates its last days: so many are fetched again each day.
restatement_days = 4
# When the daily schedule runs; CircleCI's own data are refreshed at about 08:00-10:00 UTC.
daily_at = "10:30"

# One token, one paying organization, one price timeline. Add a section for each further one.
[[cost_centers]]
name = {toml_string(answers.name)}
# CircleCI, Organization Settings, Overview.
organization_id = {toml_string(answers.organization_id)}
{slug}
# The name of the environment variable that holds the token, never the token; a line in .env will do.
api_token_env = {toml_string(answers.token_env)}
# Organizations that share this plan.
shared_organization_ids = [{shared}]

# The price that is valid now. A new price: end this one with effective_until (its last day, included), add another
# section below, then run `circleci-cost reprice`.
[[cost_centers.pricing]]
price_per_credit = {answers.price:f}{confirm}
effective_from = {answers.effective_from}

# What else there is: prepaid credits and invoices (`circleci-cost help credits`), teams (`help allocation`), budgets
# (`help budgets`), who hears of what (`help notifications`); every key: `circleci-cost help configuration`.
{api}"""
