"""Which runs of a Dagster instance are this project's: an instance may be shared with other code.

`dead_runs` ends dead ones, `run_logs` removes their old logs.
"""

import dagster as dg

LAUNCHED_BY = "circleci_cost/launched_by"
COMMAND_LINE, DAGSTER = "circleci-cost", "dagster"
_MODULE = "circleci_cost.definitions"


def is_own(run: dg.DagsterRun) -> bool:
    """Whether the command line, a job of this project, or the UI on its code location launched a run."""
    if LAUNCHED_BY in run.tags:
        return True
    # Not by its code location: that of a code server on another host is known by its address only.
    code = run.job_code_origin.repository_origin.code_pointer if run.job_code_origin else None
    return getattr(code, "module", None) == _MODULE


def of_command_line(run: dg.DagsterRun) -> bool:
    """Whether a command launched the run: Dagster's daemon does not start it again."""
    return run.tags.get(LAUNCHED_BY) == COMMAND_LINE
