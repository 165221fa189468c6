"""Tests of `circleci_cost.warehouse`."""
