"""Tests of `circleci_cost.model`."""
