"""What a user configures: `circleci_cost.toml` and the environment, as one frozen `Settings`.

A section that defines a subject of the model stands beside it, in its `definition` module.
"""
