"""The configuration of a user: `circleci_cost.toml` and the environment, as one frozen `Settings`.

A section about a subject of the model is in that subject's `definition` module.
"""
