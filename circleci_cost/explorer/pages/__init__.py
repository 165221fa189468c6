"""The pages, one module or folder each: what a page asks the published tables, and what its template gets."""

from circleci_cost.explorer.page import Page
from circleci_cost.explorer.pages import anomalies, why
from circleci_cost.explorer.pages.budgets.page import PAGE as BUDGETS
from circleci_cost.explorer.pages.classes.page import PAGE as CLASSES
from circleci_cost.explorer.pages.credits.page import PAGE as CREDITS
from circleci_cost.explorer.pages.data.page import PAGE as DATA
from circleci_cost.explorer.pages.explore.page import PAGE as EXPLORE
from circleci_cost.explorer.pages.infrastructure.page import PAGE as INFRASTRUCTURE
from circleci_cost.explorer.pages.teams.page import PAGE as TEAMS
from circleci_cost.explorer.pages.waste.page import PAGE as WASTE

# In the order of the navigation.
PAGES: tuple[Page, ...] = (
    EXPLORE,
    why.PAGE,
    BUDGETS,
    CREDITS,
    anomalies.PAGE,
    TEAMS,
    CLASSES,
    WASTE,
    INFRASTRUCTURE,
    DATA,
)
