"""`python -m circleci_cost_tests.benchmarks NAME …` runs one benchmark."""

import importlib
import sys

NAMES = (
    "forecast",
    "ingest",
    "growth",
    "reprice",
    "peers",
    "cost_centers",
    "daily",
    "demo",
    "startup",
    "commands",
    "budgets",
    "allocation",
    "anomalies",
    "real_series",
    "correlation",
    "drivers",
    "class_changes",
    "explorer_data",
    "explorer_page",
)


def main() -> None:
    """Run the benchmark that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m circleci_cost_tests.benchmarks {'|'.join(NAMES)} [options]")
    importlib.import_module(f"circleci_cost_tests.benchmarks.{sys.argv[1]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
