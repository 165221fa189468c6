"""Writes what moves of jobs change in a `.circleci/config.yml`: a unified diff to stdout, the rest as remarks.

Where the file sets a class is found in `model.efficiency.class_in_config`; the file is only read.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from circleci_cost.cli.streams import say, write_exactly
from circleci_cost.errors import UsageError
from circleci_cost.model.efficiency.change_listing import is_to_revert
from circleci_cost.model.efficiency.circleci_yaml import read_circleci_config
from circleci_cost.model.efficiency.class_in_config import Move, edits, patch
from circleci_cost.text.lists import some_of

_NAMED = 5


def wanted_moves(rows: pl.DataFrame, jobs: Sequence[str], *, to_revert: bool) -> list[Move]:
    """The best moves of advice, or the changes to revert; of `jobs`, or of all.

    Raises `UsageError` where a job of that name should move in different ways: the file is one project's.
    """
    if to_revert:
        moves = rows.filter(is_to_revert()).select("job", "project", "resource_class", wanted="resource_class_before")
    else:
        moves = rows.filter("best").select("job", "project", "resource_class", wanted="candidate")
    # A run without a job's name is in no configuration.
    moves = moves.filter(pl.col("job").is_not_null())
    if jobs:
        moves = moves.filter(pl.col("job").is_in(jobs))
    projects = moves["project"].unique().sort().to_list()
    if len(projects) > 1:
        raise UsageError(
            f"A configuration is that of one project, and this is about jobs of {some_of(projects, _NAMED)}; name one "
            "of them with --project."
        )
    return [Move(*row) for row in moves.select("job", "resource_class", "wanted").unique(maintain_order=True).rows()]


def write_patch(path: Path, moves: Sequence[Move]) -> int:
    """Write the diff, and a remark for each move that is not in it; return the number of these."""
    config = read_circleci_config(path)
    if not moves:
        say("No job should change its class.")
    made, sentences = edits(config, moves)
    write_exactly(patch(config, made))
    for sentence in sentences:
        say(f"Not in the diff: {sentence}")
    return len(sentences)
