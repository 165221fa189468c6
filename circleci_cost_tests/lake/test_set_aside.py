"""A landed export that cannot be read no longer counts: it settles nothing, and its days are fetched again."""

from pathlib import Path

import pytest

from circleci_cost.errors import ExportDataError, UnknownOrganizationError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import landed_exports, set_aside
from circleci_cost.lake.settling import unread_days, unsettled_days
from circleci_cost_tests.model.usage.builders import Record, record, unquoted

from .builders import CENTER, day, days, ingest, jobs, land, land_rows, of


def rows(*numbers: int, **changes: str) -> list[Record]:
    return [record(number, JOB_RUN_DATE=str(day(2)), **changes) for number in numbers]


def counted(lake: Lake) -> list[str]:
    return [export.manifest.export_id for export in landed_exports(lake, CENTER)]


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def refused(lake: Lake) -> str:
    with pytest.raises(ExportDataError) as caught:
        ingest(lake, days(1, 3))
    return str(caught.value)


def test_an_export_that_cannot_be_read_is_asked_for_again(lake: Lake) -> None:
    """It had landed long after its days, so they counted as final, and every run read it again and failed."""
    directory = land(lake, [unquoted(rows(1)), b"JOB_ID,TOTAL_CREDITS\n1,2\n"], day(1), day(3))
    before = content(directory)
    sentence = refused(lake)
    assert sentence.endswith(f"Its files are kept in {directory}; the next run asks CircleCI for these days again.")
    assert lake.job_runs_days(CENTER) == []
    assert counted(lake) == []
    assert unsettled_days(days(1, 3), [], 4, trust_imports=True) == days(1, 3)
    after = content(directory)
    assert after.pop("refused.json") == before.pop("manifest.json")
    assert after == before

    land_rows(lake, rows(1, 2), day(1), day(3), export_id="export-2", hours=1)
    ingest(lake, days(1, 3))
    assert jobs(lake, *days(1, 3)) == {day(1): {}, day(2): of(j1=42, j2=42), day(3): {}}
    assert sorted(content(directory)) == ["manifest.json", "part-export-2-0000.csv.gz"]


def test_days_of_an_export_set_aside_stay_as_the_former_export_had_them(lake: Lake) -> None:
    land_rows(lake, rows(1), day(1), day(4))
    ingest(lake, days(1, 4))
    land(lake, [b"JOB_ID\n1\n"], day(1), day(3), export_id="export-2", hours=1)
    refused(lake)
    assert counted(lake) == ["export-1"]
    assert jobs(lake, day(2)) == {day(2): of(j1=42)}
    assert unread_days(lake, CENTER, days(1, 4), landed_exports(lake, CENTER)) == []


def test_an_export_of_other_days_is_asked_for_again(lake: Lake) -> None:
    land_rows(lake, [record(1, JOB_RUN_DATE=str(day(20)))], day(1), day(3))
    assert "CircleCI answered with other days" in refused(lake)
    assert counted(lake) == []


def test_imported_files_and_organizations_that_nobody_named_are_not_set_aside(lake: Lake) -> None:
    """Another export would not mend them: the files are the user's own, the organizations his configuration's."""
    land(lake, [b"JOB_ID\n1\n"], day(1), day(3), export_id="import-1", complete=False)
    assert "asks CircleCI" not in refused(lake)
    assert counted(lake) == ["import-1"]
    land_rows(lake, rows(1, ORGANIZATION_ID="11111111-2222-4333-8444-555555555555"), day(1), day(3), hours=1)
    with pytest.raises(UnknownOrganizationError):
        ingest(lake, days(1, 3))
    assert counted(lake) == ["import-1", "export-1"]


def test_an_export_that_another_has_replaced_meanwhile_sets_none_aside(lake: Lake) -> None:
    land_rows(lake, rows(1), day(1), day(3))
    (read_before,) = landed_exports(lake, CENTER)
    land_rows(lake, rows(2), day(1), day(3), export_id="export-2", hours=1)
    set_aside(read_before)
    assert counted(lake) == ["export-2"]


def test_a_day_for_which_an_export_has_nothing_stays_and_is_asked_for_again(lake: Lake) -> None:
    """The last export of a day lacked all of it: the day was emptied, and counted as final."""
    land_rows(lake, [*rows(1, 2), record(3, JOB_RUN_DATE=str(day(3)))], day(1), day(4))
    ingest(lake, days(1, 4))
    land_rows(lake, [record(3, JOB_RUN_DATE=str(day(3)))], day(1), day(3), export_id="export-2", hours=1)
    report = ingest(lake, days(1, 3))
    assert report.days_kept == [day(2)]
    assert jobs(lake, *days(1, 3)) == {day(1): {}, day(2): of(j1=42, j2=42), day(3): of(j3=42)}
    landed = landed_exports(lake, CENTER)
    assert unread_days(lake, CENTER, days(1, 4), landed) == []
    # Export 1, made 29 days after the day, still stands for it; had it been too early, the day would be open.
    assert unsettled_days(days(1, 3), landed, 4, trust_imports=True) == []
    assert unsettled_days(days(1, 3), landed[1:], 4, trust_imports=True) == [day(2)]

    land_rows(lake, [*rows(1), record(3, JOB_RUN_DATE=str(day(3)))], day(1), day(3), export_id="export-3", hours=2)
    assert ingest(lake, days(1, 3)).days_kept == []
    assert jobs(lake, *days(1, 3)) == {day(1): {}, day(2): of(j1=42), day(3): of(j3=42)}


def test_moved_jobs_leave_their_former_day_even_if_none_stays(lake: Lake) -> None:
    land_rows(lake, rows(1), day(1), day(4))
    ingest(lake, days(1, 4))
    land_rows(lake, [record(1, JOB_RUN_DATE=str(day(3)))], day(1), day(3), export_id="export-2", hours=1)
    ingest(lake, days(1, 3))
    assert jobs(lake, *days(1, 3)) == {day(1): {}, day(2): {}, day(3): of(j1=42)}
