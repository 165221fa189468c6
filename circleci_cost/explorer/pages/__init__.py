"""The pages, one module each: what a page asks the published tables, and what its template gets."""

from circleci_cost.explorer.page import Page
from circleci_cost.explorer.pages import data
from circleci_cost.explorer.pages.explore import page as explore

PAGES: tuple[Page, ...] = (explore.PAGE, data.PAGE)
from circleci_cost.explorer.pages.budgets.page import PAGE as BUDGETS
from circleci_cost.explorer.pages.data.page import PAGE as DATA

PAGES: tuple[Page, ...] = (BUDGETS, DATA)
from circleci_cost.explorer.pages import anomalies, data
from circleci_cost.explorer.pages import anomalies, data, why

PAGES: tuple[Page, ...] = (why.PAGE, anomalies.PAGE, data.PAGE)
