"""`python -m circleci_cost.cli`, where the script `circleci-cost` is not installed."""

from circleci_cost.cli.main import main

main()
