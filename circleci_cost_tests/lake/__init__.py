"""Tests of `circleci_cost.lake`."""
