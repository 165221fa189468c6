"""Charge types and dimensions are each in one list: nothing else has to know a new one."""

import re
from pathlib import Path

import pytest

import circleci_cost
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS
from circleci_cost.model.usage.dimensions import DIMENSIONS, RUN_DIMENSIONS, STORED_DIMENSIONS
from circleci_cost.model.usage.display_names import CHARGE_TYPE_NAMES, driver_name
from circleci_cost.model.usage.schema import JOB_RUN_SCHEMA
from circleci_cost.warehouse.core.schema_pieces import PIECES
from circleci_cost.warehouse.core.statements import sql

PACKAGE = Path(circleci_cost.__file__).parent
FILES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".sql"})


def naming(pattern: str) -> set[str]:
    """The files that name something, but for the simulator: it writes what CircleCI would."""
    files = {str(path.relative_to(PACKAGE)) for path in FILES if re.search(pattern, path.read_text(), re.IGNORECASE)}
    return {name for name in files if not name.startswith("simulator/")}


@pytest.mark.parametrize("charge_type", ["lease_overage", "ipranges"])
def test_a_charge_type_is_written_in_its_list_alone(charge_type: str) -> None:
    assert naming(charge_type) == {"model/usage/charge_types.py"}


@pytest.mark.parametrize("dimension", ["operating_system", "build_status"])
def test_a_dimension_is_written_in_its_list_the_exports_columns_and_the_help(dimension: str) -> None:
    # What a status means for waste is said where waste is.
    named = {name for name in naming(dimension) if not name.startswith("warehouse/efficiency/")}
    assert named == {"model/usage/dimensions.py", "model/usage/schema.py", "cli/report.py"}


def test_the_help_of_report_names_every_dimension() -> None:
    text = (PACKAGE / "cli/report.py").read_text()
    (listed,) = re.findall(r"Dimensions: ([a-z_,\s]+), and every virtual tag", text)
    assert tuple(re.split(r",\s+", listed)) == DIMENSIONS
    (told_by_runs,) = re.findall(r"Those that only single job runs tell: ([^;]+);", text)
    assert [name for name in re.findall(r"[a-z_]+", told_by_runs) if name in RUN_DIMENSIONS] == [*RUN_DIMENSIONS]


def test_names_columns_and_conditions_follow_from_the_lists() -> None:
    assert tuple(CHARGE_TYPE_NAMES) == CHARGE_TYPES
    assert all(driver_name(name) == CHARGE_TYPE_NAMES[name] for name in CHARGE_TYPES if name != "compute")
    assert {f"{name}_credits" for name in CHARGE_TYPES} < JOB_RUN_SCHEMA.keys()
    assert {dimension.source for dimension in STORED_DIMENSIONS} < JOB_RUN_SCHEMA.keys()
    assert set(CONDITION_DIMENSIONS) - set(DIMENSIONS) == {"organization_id", "project_id"}


def test_every_piece_stands_in_some_file_and_no_file_asks_for_another() -> None:
    statements = [path for path in FILES if path.suffix == ".sql"]
    pieces = {piece for path in statements for piece in re.findall(r"{schema\.(\w+)}", path.read_text())}
    assert pieces == PIECES.keys()
    names = [path.relative_to(PACKAGE / "warehouse").with_suffix("").as_posix() for path in statements]
    assert not [name for name in names if "{schema" in sql(name)]
