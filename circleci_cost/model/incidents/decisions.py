"""What people decided about incidents, read from a CSV file: an incident was expected, or is to be ignored.

Which incidents there are is `incidents`' job, writing a decision into such a file `decision_edits`'.
"""

from datetime import timedelta
from pathlib import Path

import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.incidents.episodes import MOST_GAP_DAYS
from circleci_cost.model.incidents.incidents import IncidentStatus
from circleci_cost.model.incidents.ledger import PRICE_CHANGE
from circleci_cost.named_files.csv_tables import LINE, day_of, parsed, read_bytes, read_csv, refuse_empty
from circleci_cost.text.csv_text import original_cells
from circleci_cost.text.plain import quoted

DECISIONS = ("expected", "ignored")
DECISION_SCHEMA = pl.Schema(
    {
        "incident_id": pl.String(),
        "decision": pl.String(),
        "reason": pl.String(),
        "decided_until": pl.Date(),
        LINE: pl.Int64(),
    }
)
NO_DECISIONS = pl.DataFrame(schema=DECISION_SCHEMA)
DECISIONS_STAY = "Until then the decisions that were read last stay."
COLUMNS = ("incident", "decision", "reason", "until")


def read_decisions(path: Path) -> pl.DataFrame:
    """Read the decisions; `DECISION_SCHEMA`, one row per incident.

    The file's columns are `incident`, `decision` (one of `DECISIONS`) and optionally `reason` and `until` (the last
    day on which the decision holds). Raises `ConfigurationError` with file and line.
    """
    return decisions_in(path, read_bytes(path))


def decisions_in(path: Path, content: bytes) -> pl.DataFrame:
    """The decisions in the content of a file, as `read_decisions` has them; `path` is for messages only.

    A reason that would begin a formula has an apostrophe before it in the file, see `text.csv_text`.
    """
    rows = read_csv(path, content, COLUMNS, ["incident", "decision"])
    for name in ("incident", "decision"):
        refuse_empty(path, rows, name)
    unknown = rows.filter(~pl.col("decision").is_in(DECISIONS))
    if unknown.height:
        raise ConfigurationError(
            f"{path}, line {unknown.item(0, LINE)}: {quoted(unknown.item(0, 'decision'))} is no decision; write "
            f"{' or '.join(DECISIONS)}."
        )
    twice = rows.filter(pl.col("incident").is_duplicated())
    if twice.height:
        incident = twice.item(0, "incident")
        first, second = twice.filter(incident=incident).get_column(LINE).to_list()[:2]
        raise ConfigurationError(
            f"{path}, line {second}: the incident {quoted(incident)} is decided in line {first} already; leave one "
            "of them."
        )
    if "until" in rows.columns:
        rows = parsed(path, rows, "until", day_of("until"), "write a day as YYYY-MM-DD, such as 2026-01-31")
    absent = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in (("reason", pl.String()), ("until", pl.Date()))
        if name not in rows.columns
    ]
    return (
        rows.with_columns(absent)
        .with_columns(original_cells(pl.col("reason")))
        .rename({"incident": "incident_id", "until": "decided_until"})
        .select(pl.col(name).cast(dtype) for name, dtype in DECISION_SCHEMA.items())
    )


def unmatched_decisions(decisions: pl.DataFrame, incident_ids: pl.Series, path: Path) -> list[str]:
    """Return a sentence for each decision about an incident that does not exist, or no longer does."""
    missing = decisions.filter(~pl.col("incident_id").is_in(incident_ids.to_list()))
    return [
        f"{path}, line {line}: there is no incident {quoted(incident)}; correct it (`circleci-cost anomalies --all` "
        "names those there are), or remove the line if it is gone"
        for incident, line in missing.select("incident_id", LINE).iter_rows()
    ]


def decided(incidents: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Give incidents the status, reason and end of their decisions; the status only while the decision holds.

    In: incidents with `incident_id`, `status` and `data_through`. Out: the same, and `reason`, `decided_until`.
    """
    holds = pl.col("decided_until").is_null() | (pl.col("data_through") <= pl.col("decided_until"))
    return (
        incidents.join(decisions.drop(LINE), on="incident_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(holds & pl.col("decision").is_not_null()).then("decision").otherwise("status").alias("status")
        )
        .drop("decision")
    )


def redecided(published: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Published incidents with the decisions as they are now, in place of those they were published with.

    In: rows of `anomaly_incidents`. Out: the same columns.
    """
    undecided = published.with_columns(undecided_status()).drop("reason", "decided_until")
    return decided(undecided, decisions).select(published.columns)


def undecided_status() -> pl.Expr:
    """The status of an incident of `anomaly_incidents` had nobody decided about it.

    A decision takes the status's place there; the other columns tell it as `incidents` found it.
    """
    goes_on = pl.col("data_through") - pl.col("last_day") <= timedelta(days=MOST_GAP_DAYS)
    found = (
        pl.when(pl.col("monthly_impact_usd").is_null())
        .then(pl.lit(IncidentStatus.ENDED.value))
        .when((pl.col("kind") != PRICE_CHANGE) & goes_on)
        .then(pl.lit(IncidentStatus.OPEN.value))
        .otherwise(pl.lit(IncidentStatus.NEW_NORMAL.value))
    )
    return pl.when(pl.col("status").is_in(DECISIONS)).then(found).otherwise("status").alias("status")
