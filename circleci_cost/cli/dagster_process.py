"""Starts a process that imports Dagster: `python -m circleci_cost.cli.dagster_process worker`, or `recorded_runs`.

What such a process does belongs to the modules of these names.
"""

import gc
import os
import sys


def main() -> None:
    """Import the module that the first argument names, and hand over to it."""
    # What is imported stays: searching it for garbage again and again takes a fifth of the start.
    gc.disable()
    if sys.argv[1] == "worker":
        from circleci_cost.cli.worker import main as execute_orders

        begin = execute_orders
    else:
        from circleci_cost.cli.recorded_runs import main as read_record

        begin = read_record
    gc.freeze()
    gc.enable()
    try:
        begin()
    finally:
        # Libraries written in C++ report at the end of the process what is still there.
        gc.unfreeze()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking hundreds of thousands of objects apart costs a third of a second, and the system does it at once.
    os._exit(0)
