"""Changes the decision about one incident in the content of a file of decisions; all other bytes stay as they are.

Reading such a file is `decisions`' job, and replacing it on the disk `lake.edited_files`'.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.model.incidents.decision import Decision, decision_about, version_of
from circleci_cost.model.incidents.decisions import COLUMNS, NO_DECISIONS, decisions_in
from circleci_cost.named_files.bounded_files import MOST_BYTES, require_size
from circleci_cost.named_files.csv_records import CsvRecord, csv_records
from circleci_cost.named_files.csv_tables import LINE, decoded
from circleci_cost.text.csv_text import csv_line
from circleci_cost.text.plain import quoted

_INCIDENT = re.compile(r"[0-9A-Za-z]{1,64}")
_MARK = b"\xef\xbb\xbf"
_OPTIONAL = COLUMNS[2:]


class DecidedMeanwhileError(CircleciCostError):
    """Somebody has decided about the incident since the user looked at it."""


def edited(
    path: Path, content: bytes | None, incident_id: str, decision: Decision | None, seen: str | None = None
) -> bytes | None:
    """The content of the file with this decision about the incident, or with none; the same object if it says so.

    `content` is None for a file that is not there: then one with a header is made. `path` is for messages only.
    `seen` is the `version_of` the decision that the user saw. Raises `ConfigurationError` for a file with a mistake,
    `UsageError` for what is no incident, `DecidedMeanwhileError` where another decision than the seen one is there.
    """
    if not _INCIDENT.fullmatch(incident_id):
        raise UsageError(
            f"{quoted(incident_id)} is no incident; `circleci-cost anomalies --all` names those there are."
        )
    before = NO_DECISIONS if content is None else decisions_in(path, content)
    present = decision_about(before, incident_id)
    if present == decision:
        return content
    if seen is not None and seen != version_of(present):
        raise DecidedMeanwhileError(
            f"Somebody has decided about the incident {incident_id} meanwhile: it is "
            f"{present or 'undecided again'}. Nothing was changed; reload the page, then decide again."
        )
    mark = _MARK if content and content.startswith(_MARK) else b""
    text = ",".join(COLUMNS) + "\n" if content is None else decoded(path, content)
    lines = before.filter(incident_id=incident_id).get_column(LINE)
    after = mark + _with_decision(text, incident_id, decision, lines.first() if lines.len() else None).encode()
    require_size(path, after, MOST_BYTES, "remove decisions about incidents that are gone")
    decisions_in(path, after)
    return after


def _with_decision(text: str, incident_id: str, decision: Decision | None, line: object) -> str:
    """The text with the record on that line changed or removed, or with a new one where there is no such line."""
    if decision is not None:
        text = _with_columns(text, decision)
    header, *records = csv_records(text)
    record = next((record for record in records if record.line == line), None)
    if decision is None:
        return text if record is None else text[: record.start] + text[record.end + len(record.line_end) :]
    written = _written(header.cells, incident_id, decision)
    if record is not None:
        return text[: record.start] + written + text[record.end :]
    last = records[-1] if records else header
    if last.line_end:
        at = last.end + len(last.line_end)
        return text[:at] + written + last.line_end + text[at:]
    return text + (header.line_end or "\n") + written


def _with_columns(text: str, decision: Decision) -> str:
    """The text with the optional columns that the decision needs, empty in the records that there are."""
    header, *records = csv_records(text)
    needed = dict(zip(_OPTIONAL, (decision.reason, decision.until), strict=True))
    new = [name for name, value in needed.items() if value and name not in header.cells]
    return _appended(text, [header, *records], new) if new else text


def _appended(text: str, records: Sequence[CsvRecord], names: Sequence[str]) -> str:
    pieces, at = [], 0
    for cells, record in zip([names, *[[""] * len(names)] * (len(records) - 1)], records, strict=True):
        pieces.append(text[at : record.end] + "".join(f",{cell}" for cell in cells))
        at = record.end
    return "".join([*pieces, text[at:]])


def _written(header: Sequence[str], incident_id: str, decision: Decision) -> str:
    until = decision.until.isoformat() if decision.until else None
    values = dict(zip(COLUMNS, (incident_id, decision.decision, decision.reason, until), strict=True))
    cells = [values[name] for name in header]
    return csv_line(cells, [index for index, name in enumerate(header) if name == "reason"]).removesuffix("\n")
