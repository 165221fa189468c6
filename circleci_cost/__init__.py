"""CircleCI cost in US dollars: a self-hosted Dagster pipeline over the Usage Export API."""

__version__ = "0.1.0"
