"""Tests of circleci_cost, laid out like the package; run them with pytest from the repository."""
