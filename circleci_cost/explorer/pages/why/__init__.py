"""Why: what the difference between the costs of two periods is due to, and which groups moved."""

from circleci_cost.explorer.page import Page
from circleci_cost.explorer.pages.why.download import download
from circleci_cost.explorer.pages.why.show import show

PAGE = Page("why", "/why", "Why", show, more=(("/why.csv", download),))
