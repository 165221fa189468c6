"""Puts the progress of runs into words: which export of how many, what a step does, why something waits.

`watching` shows the words in bars, `telling` in lines.
"""

import re
from collections.abc import Sequence

from circleci_cost.assets import ASSETS
from circleci_cost.cli.planned_runs import AnyRun, fetches

STEPS = {asset.name: asset.doing for asset in ASSETS if asset.doing}
# How a fetch begins each of its sentences.
_SUBJECT = re.compile(r"Usage export of \S+, (?P<first>\d{4}-\d\d-\d\d)(?: to (?P<last>\d{4}-\d\d-\d\d))?: ")


def export_count(runs: Sequence[AnyRun], number: int) -> str:
    """Which export of a lane's runs run `number` fetches: `export 2 of 12`; empty for none, and for the only one."""
    exports = [index for index, run in enumerate(runs) if fetches(run)]
    if number not in exports or len(exports) == 1:
        return ""
    return f"export {exports.index(number) + 1} of {len(exports)}"


def days_of(text: str) -> str | None:
    """The days that a fetch's sentence is about; None for a sentence without days."""
    match = _SUBJECT.match(text)
    return match and " – ".join(day for day in match.groups() if day)


def without_subject(text: str) -> str:
    """A fetch's sentence without its leading subject, for places that show the subject already."""
    return _SUBJECT.sub("", text)


def joined(*parts: str) -> str:
    """The known parts of a run's name, export and days, in one text."""
    return ", ".join(part for part in parts if part)
