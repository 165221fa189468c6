"""The pages, one module or folder each: what a page asks the published tables, and what its template gets."""

from circleci_cost.explorer.page import Page
from circleci_cost.explorer.pages import anomalies, why
from circleci_cost.explorer.pages.budgets.page import PAGE as BUDGETS
from circleci_cost.explorer.pages.data.page import PAGE as DATA
from circleci_cost.explorer.pages.explore.page import PAGE as EXPLORE

# In the order of the navigation.
PAGES: tuple[Page, ...] = (EXPLORE, why.PAGE, BUDGETS, anomalies.PAGE, DATA)
