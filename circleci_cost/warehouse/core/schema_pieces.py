"""Pieces of SQL that many files share: lists of charge types and dimensions, sums. `{schema.NAME}` stands for one.

The lists alone say which columns there are; the .sql files say what is done with them.
"""

from circleci_cost.lake.job_run_files import JOB_RUN_FILES, JOB_RUN_FILES_BY_NAME
from circleci_cost.model.efficiency.actors import DEFAULT_ACTORS
from circleci_cost.model.focus.columns import DIMENSION_COLUMNS
from circleci_cost.model.usage.charge_types import BOOKED_CHARGE_TYPES, CHARGE_TYPES
from circleci_cost.model.usage.dimensions import (
    COMPUTED_DIMENSIONS,
    COST_DIMENSIONS,
    HIERARCHY,
    NO_VALUE,
    STORED_DIMENSIONS,
    Dimension,
)
from circleci_cost.text.literals import sql_text

_CREDITS, _COST = "DECIMAL(38, 6)", "DECIMAL(38, 16)"
# The cost center comes from the configuration, not from the export: it has a column of its own everywhere.
EXPORTED_DIMENSIONS = COST_DIMENSIONS[1:]
_READ_DIMENSIONS = STORED_DIMENSIONS[1:]
_READ_KEYS = [dimension.id_column or dimension.name for dimension in _READ_DIMENSIONS]


def charge_columns() -> dict[str, str]:
    """The columns of charge types in `daily_costs` and their types: credits first, then costs."""
    return {f"{name}_credits": _CREDITS for name in CHARGE_TYPES} | {f"{name}_cost_usd": _COST for name in CHARGE_TYPES}


def dimension_columns() -> dict[str, str]:
    """The columns of dimensions except the cost center's, and their types."""
    columns: dict[str, str] = {}
    for dimension in EXPORTED_DIMENSIONS:
        if dimension.id_column:
            columns[dimension.id_column] = "VARCHAR NOT NULL"
        columns[dimension.name] = "VARCHAR"
    return columns


def _charges() -> str:
    """The charges of a row of `daily_costs`, one of each charge type, as structs."""
    return ",\n        ".join(
        f"{{'charge_number': {number}, 'charge_type': '{name}', "
        f"'credits': {name}_credits, 'cost_usd': {name}_cost_usd}}"
        for number, name in enumerate(CHARGE_TYPES)
    )


def _shown(dimension: Dimension) -> str:
    otherwise = dimension.id_column or f"'{NO_VALUE}'"
    return f"coalesce({dimension.name}, {otherwise}) AS {dimension.name}"


def _of_job_runs(dimension: Dimension) -> str:
    """A dimension in a daily cost. A name that can be written in several ways is one name."""
    return dimension.id_column or f"same_name(CAST({dimension.source} AS VARCHAR)) AS {dimension.name}"


def _exported(dimension: Dimension) -> str:
    """A dimension as it was exported, in words that every engine reads."""
    return dimension.id_column or f"CAST({dimension.source} AS STRING) AS {dimension.name}"


def _of_each_charge(text: str) -> str:
    return ",\n    ".join(text.format(name=name) for name in CHARGE_TYPES)


def _job_run_has(dimension: Dimension) -> str:
    """Whether a job run (`runs`) has the dimension of a cost (`cells`), which is there as it is shown."""
    if dimension.id_column:
        return f"runs.{dimension.id_column} = cells.{dimension.id_column}"
    if dimension not in EXPORTED_DIMENSIONS:
        return f"runs.{dimension.source} = cells.{dimension.name}"
    return f"coalesce(same_name(CAST(runs.{dimension.source} AS VARCHAR)), '{NO_VALUE}') = cells.{dimension.name}"


def _same_keys(left: str, right: str) -> str:
    """Whether two rows are of the same daily cost, the charge type and the day aside."""
    keys = [*(each.id_column or each.name for each in STORED_DIMENSIONS), "unregistered"]
    return "\n    AND ".join(f"{left}.{key} IS NOT DISTINCT FROM {right}.{key}" for key in keys)


def _definitions(columns: dict[str, str], ending: str = "") -> str:
    return ",\n    ".join(f"{name} {kind}{ending}" for name, kind in columns.items())


def _charge_definitions(kind: str, ending: str = "") -> str:
    return _definitions({name: own for name, own in charge_columns().items() if own == kind}, ending)


def _struct(values: dict[str, str]) -> str:
    return f"{{{', '.join(f'{name}: {sql_text(value)}' for name, value in values.items())}}}"


def _booked(measure: str) -> str:
    return " + ".join(f"coalesce({name}_{measure}, 0)" for name in BOOKED_CHARGE_TYPES)


# Usage without a price has no cost, which is NULL and never $0; its credits are counted apart.
_UNPRICED_CREDITS = "coalesce(sum(credits) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_credits"
_AMOUNTS = (
    "coalesce(sum(cost_usd), CASE WHEN sum(credits) = 0 THEN 0 END) AS cost",
    "sum(credits) AS credits",
    _UNPRICED_CREDITS,
    "CAST(sum(jobs) AS BIGINT) AS jobs",
    "CAST(sum(runs) AS BIGINT) AS runs",
    "CAST(sum(run_seconds) AS BIGINT) AS run_seconds",
)
# Sums of such amounts; counts only where `$counted`. A cost is unknown where nothing of it has a price.
_ADDED_AMOUNTS = (
    "coalesce(sum(cost), CASE WHEN coalesce(sum(unpriced_credits), 0) = 0 THEN 0 END) AS cost",
    *(f"coalesce(sum({name}), 0) AS {name}" for name in ("credits", "unpriced_credits")),
    *(
        f"CASE WHEN $counted THEN CAST(coalesce(sum({name}), 0) AS BIGINT) END AS {name}"
        for name in ("jobs", "runs", "run_seconds")
    ),
)
# The job runs of $files. A charge type that is newer than all of the files has no credits in them.
_JOB_RUNS_OF_FILES = rf"""FROM {JOB_RUN_FILES_BY_NAME}
    UNION ALL BY NAME
    SELECT CAST(COLUMNS('(.*_credits)$') AS DECIMAL(19, 6)) AS '\1' FROM daily_costs WHERE false"""  # noqa: S608 - of constants
PIECES: dict[str, str] = {
    "job_run_files": JOB_RUN_FILES,
    "job_run_files_by_name": JOB_RUN_FILES_BY_NAME,
    "job_runs_of_files": _JOB_RUNS_OF_FILES,
    "default_actors": _struct(DEFAULT_ACTORS.patterns),
    "unpriced_credits": _UNPRICED_CREDITS,
    "amounts": ",\n    ".join(_AMOUNTS),
    "added_amounts": ",\n    ".join(_ADDED_AMOUNTS),
    "dimension_definitions": _definitions(dimension_columns()),
    "credits_definitions": _charge_definitions(_CREDITS, " NOT NULL"),
    "cost_definitions": _charge_definitions(_COST),
    "dimensions_of_job_runs": ", ".join(map(_of_job_runs, _READ_DIMENSIONS)),
    "read_dimensions": ", ".join(_READ_KEYS),
    "exported_dimensions": ", ".join(map(_exported, _READ_DIMENSIONS)),
    "exported_columns": ", ".join(each.id_column or each.source for each in _READ_DIMENSIONS),
    "named_columns": ", ".join(
        f"same_name(CAST({each.source} AS VARCHAR)) AS {each.source}" for each in _READ_DIMENSIONS if not each.id_column
    ),
    "named_dimensions": ", ".join(
        each.id_column or f"same_name({each.name}) AS {each.name}" for each in _READ_DIMENSIONS
    ),
    "names_of_credits": ", ".join(f"{name}_credits" for name in CHARGE_TYPES),
    "credits_of_all_types": " + ".join(f"{name}_credits" for name in CHARGE_TYPES),
    "cost_of_all_types": " + ".join(f"{name}_cost_usd" for name in CHARGE_TYPES),
    "cost_of_all_credits": "\n        + ".join(
        f"TRY_CAST({name}_credits AS DECIMAL(19, 6)) * rates.price_per_credit" for name in CHARGE_TYPES
    ),
    "sums_of_credits": _of_each_charge("coalesce(sum({name}_credits), 0) AS {name}_credits"),
    "costs_of_credits": _of_each_charge(
        "TRY_CAST(summed.{name}_credits AS DECIMAL(19, 6)) * rates.price_per_credit AS {name}_cost_usd"
    ),
    "repriced_costs": _of_each_charge(
        "{name}_cost_usd = TRY_CAST(daily_costs.{name}_credits AS DECIMAL(19, 6)) * rates.price_per_credit"
    ),
    "same_dimensions": "\n        AND ".join(
        f"daily.{name} IS NOT DISTINCT FROM superseded.{name}" for name in _READ_KEYS
    ),
    "hierarchy": ", ".join(
        name
        for each in STORED_DIMENSIONS
        if each.name in HIERARCHY
        for name in (each.id_column, each.name)
        if name is not None
    ),
    "computed_dimensions": ", ".join(f"{each.of_costs()} AS {each.name}" for each in COMPUTED_DIMENSIONS),
    "computed_of_costs": ", ".join(f"costs.{each.name}" for each in COMPUTED_DIMENSIONS),
    "shown_dimensions": ", ".join(map(_shown, EXPORTED_DIMENSIONS)),
    "job_run_has_dimensions": "\n    AND ".join(map(_job_run_has, STORED_DIMENSIONS)),
    "packed_dimensions": f"struct_pack({', '.join(f'{each.name} := cells.{each.name}' for each in COST_DIMENSIONS)})",
    "dimension_keys": ", ".join(dimension.id_column or dimension.name for dimension in COST_DIMENSIONS),
    "charge_has_keys": _same_keys("charges", "keys"),
    "part_has_keys": _same_keys("parts", "costs"),
    "focus_dimensions": ", ".join(f'charges.{name} AS "{column}"' for column, name in DIMENSION_COLUMNS.items()),
    "charges": _charges(),
    "charge_types": str(len(CHARGE_TYPES)),
    "charges_in_columns": ", ".join(
        f"CASE WHEN charge_type = '{name}' THEN {measure} ELSE 0 END AS {name}_{measure}"
        for measure in ("credits", "cost_usd")
        for name in CHARGE_TYPES
    ),
    "booked_charge_types": ", ".join(f"'{name}'" for name in BOOKED_CHARGE_TYPES),
    "booked_credits": f"({_booked('credits')})",
    "booked_cost_usd": f"({_booked('cost_usd')})",
}
