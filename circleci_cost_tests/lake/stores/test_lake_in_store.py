"""A lake in a store: the same exports give the same files as on a disk, wherever the work is cut off."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.database import connect
from circleci_cost.errors import StorageError
from circleci_cost.lake.days import read_day, read_provenances, read_restatements
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.known_usage import days_with_usage
from circleci_cost.lake.layout import FORMAT, Lake, open_lake
from circleci_cost.lake.leftovers import remove_leftovers
from circleci_cost.lake.manifests import MANIFEST, disbelieve, landed_exports, set_aside
from circleci_cost.lake.readable import present, readable
from circleci_cost.lake.run_locks import dead_run, lock_run, locked_runs, remove_run_lock, run_lock_age
from circleci_cost.lake.settling import unread_days
from circleci_cost.lake.stores.failures import ChangedMeanwhileError
from circleci_cost.lake.stores.leases import LEASE_SECONDS, LostLeaseError, take
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import turn
from circleci_cost.lake.unknown_organizations import unknown_organizations
from circleci_cost.lake.verification import verify_job_runs
from circleci_cost_tests.lake.builders import CENTER, day, days, ingest, land_rows
from circleci_cost_tests.model.usage.builders import ORGANIZATION, records
from circleci_cost_tests.s3_server import REFUSED, S3Server

_LONG = timedelta(seconds=LEASE_SECONDS + 5)


@pytest.fixture
def remote(folder: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake in a store, and a machine whose temporary files are the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return open_lake(folder)


def _two_exports(lake: Lake) -> None:
    land_rows(lake, records(3), last=day(2))
    ingest(lake, days(1, 2))
    land_rows(lake, records(2), last=day(2), export_id="export-2", hours=1)


def _files(lake: Lake) -> dict[str, bytes]:
    """The lake's files by their relative names, temporary ones and locks left out."""
    root = lake.root
    paths = root.metas() if isinstance(root, StorePath) else (path for path in root.rglob("*") if path.is_file())
    return {"/".join(path.relative_to(root).parts): path.read_bytes() for path in paths}


def test_the_same_exports_give_the_same_files_on_a_disk_and_in_a_store(remote: Lake, tmp_path: Path) -> None:
    local = open_lake(tmp_path / "data")
    for lake in (local, remote):
        _two_exports(lake)
        assert unread_days(lake, CENTER, days(1, 3), landed_exports(lake, CENTER)) == days(1, 2)
        ingest(lake, days(1, 2))
        assert unread_days(lake, CENTER, days(1, 3), landed_exports(lake, CENTER)) == []
    assert _files(remote) == _files(local)
    assert "format.json" in _files(remote)
    assert remote.job_runs_days(CENTER) == days(1, 2)
    assert remote.has_job_runs()
    assert days_with_usage(remote, CENTER, days(1, 3)) == [day(1)]
    for read in (
        lambda lake: read_restatements(lake, [CENTER]).rows(),
        lambda lake: verify_job_runs(lake, CENTER, days(1, 2)),
        lambda lake: unknown_organizations(lake, CENTER, [], days(1, 3)),
        lambda lake: read_day(lake, CENTER, day(1), ["job_id"]),
    ):
        found, expected = read(remote), read(local)
        assert str(found) == str(expected)
    assert unknown_organizations(remote, CENTER, [ORGANIZATION], days(1, 3)) == []
    assert remove_leftovers(remote) == 0


def test_an_export_that_is_set_aside_no_longer_counts(remote: Lake) -> None:
    directory = land_rows(remote, records(1))
    set_aside(landed_exports(remote, CENTER)[0])
    assert landed_exports(remote, CENTER) == []
    assert sorted(path.name for path in directory.iterdir()) == ["part-export-1-0000.csv.gz", "refused.json"]


def test_f085_wherever_writes_to_the_store_end_the_next_run_completes_the_same_files(
    s3: S3Server, remote: Lake, tmp_path: Path
) -> None:
    whole = open_lake(tmp_path / "data")
    _two_exports(whole)
    ingest(whole, days(1, 2))
    cut = 0
    for cut in range(20):
        lake = open_lake(remote.root / f"cut-{cut}")
        _two_exports(lake)
        puts = [0]

        def refuse(method: str, path: str, cut: int = cut, puts: list[int] = puts) -> tuple[str, bytes] | None:
            puts[0] += method == "PUT"
            return REFUSED if puts[0] > cut else None

        s3.before = refuse
        try:
            ingest(lake, days(1, 2))
            break
        except StorageError as error:
            assert "HTTP 403" in str(error)
        finally:
            s3.before = None
        ingest(lake, days(1, 2))
        assert _files(lake) == _files(whole)
    assert cut >= 3


def test_f087_a_worker_that_was_stopped_for_a_while_does_not_overwrite_what_its_successor_read(
    s3: S3Server, remote: Lake
) -> None:
    land_rows(remote, records(3))
    written = remote.job_runs_file(CENTER, day(1))

    def successor() -> None:
        s3.before, s3.ahead = None, _LONG
        with turn(remote.reading_lock(CENTER)):
            land_rows(remote, records(5), export_id="export-2", hours=1)
            ingest(remote)

    def overtake(method: str, path: str) -> None:
        # The worker stands still between its last look at the day and the request that replaces it.
        if method == "PUT" and path.endswith("data.parquet"):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(successor).result()

    s3.before = overtake
    with (
        pytest.raises(ChangedMeanwhileError, match=r"changed .*data\.parquet meanwhile"),
        turn(remote.reading_lock(CENTER)),
    ):
        ingest(remote)
    stored = read_day(remote, CENTER, day(1))
    assert stored is not None
    assert (stored.rows.height, list(stored.exports)) == (5, ["export-2"])
    assert written.exists()


def test_a_run_without_its_turn_writes_nothing_and_says_so(s3: S3Server, remote: Lake) -> None:
    land_rows(remote, records(3))
    with turn(remote.reading_lock(CENTER)):
        s3.ahead = _LONG
        lock = remote.reading_lock(CENTER)
        taken = take(lock) if isinstance(lock, StorePath) else None
        assert taken is not None
        from circleci_cost.lake.stores.leases import held_leases

        held_leases()[0].renew()
        with pytest.raises(LostLeaseError, match=r"lost its turn at .*job_runs/acme\.lock.* it wrote nothing more"):
            ingest(remote)
        taken.release()
    assert remote.job_runs_days(CENTER) == []


def test_a_format_of_a_newer_version_is_refused_in_a_store_too(remote: Lake) -> None:
    write_atomic(remote.format_marker, b'{"format": %d}' % (FORMAT + 1))
    with pytest.raises(StorageError, match=f"The data directory {remote.root} has format {FORMAT + 1}"):
        open_lake(remote.root)


def test_a_run_is_known_to_be_dead_when_its_lease_has_ended_on_every_host(s3: S3Server, remote: Lake) -> None:
    lock = lock_run(remote, "run-1")
    assert locked_runs(remote) == ["run-1"]
    with dead_run(remote, "run-1") as process:
        assert process is None
    with pytest.raises(StorageError, match="Another process executes run run-1"):
        lock_run(remote, "run-1")
    s3.ahead = _LONG
    with dead_run(remote, "run-1") as process:
        assert process is not None
        assert process.run_id == "run-1"
    assert 0 <= run_lock_age(remote, "run-1") < 60
    remove_run_lock(remote, "run-1")
    assert locked_runs(remote) == []
    # The process that was given up gives back nothing that is another's by now.
    other = lock_run(remote, "run-1")
    lock.release()
    assert locked_runs(remote) == ["run-1"]
    other.release()
    assert locked_runs(remote) == []
    assert run_lock_age(remote, "run-1") == 0
    with dead_run(remote, "run-1") as process:
        assert process is None


def test_engines_read_objects_from_copies_that_are_fetched_once_per_version(s3: S3Server, remote: Lake) -> None:
    paths = [remote.root / f"tables/part={number}/rows.parquet" for number in range(9)]
    for number, path in enumerate(paths):
        _write_table(path, number)
    files = readable(paths)
    with connect() as connection:
        query = "SELECT sum(value), count(DISTINCT regexp_extract(filename, 'part=([0-9])', 1)) FROM read_parquet(?)"
        assert connection.execute(query.replace("(?)", "(?, filename = true)"), [files]).fetchone() == (36, 9)
    assert pl.scan_parquet(files, hive_partitioning=False).select(pl.sum("value")).collect().item() == 36
    s3.requests.clear()
    assert readable(paths) == files
    assert [method for method, _ in s3.requests] == ["GET"]
    _write_table(paths[0], 100)
    (changed,) = readable(paths[:1])
    assert changed != files[0]
    assert pl.read_parquet(changed).item() == 100
    paths[0].unlink()
    with pytest.raises(StorageError, match=r"rows\.parquet: it is missing"):
        readable(paths[:1])
    assert present(paths) == paths[1:]
    assert present(paths[:2]) == paths[1:2]
    assert readable([]) == []
    only = readable(paths[1:], immutable=True)
    s3.requests.clear()
    assert readable(paths[1:], immutable=True) == only
    assert s3.requests == []


def test_what_small_objects_say_is_read_once_by_a_machine_as_long_as_they_stay_the_same(
    s3: S3Server, remote: Lake
) -> None:
    week = days(1, 10)
    for number, each in enumerate(week):
        land_rows(remote, [], each, last=each, export_id=f"export-{number}")
    ingest(remote, week)
    assert unread_days(remote, CENTER, week, landed_exports(remote, CENTER)) == []
    s3.requests.clear()
    landed = landed_exports(remote, CENTER)
    assert unread_days(remote, CENTER, week, landed) == []
    # The manifests' paths, then the versions of the manifests and of the days.
    assert [method for method, _ in s3.requests] == ["GET"] * 3
    assert all(path.count("/") == 1 for _, path in s3.requests), "objects were read"

    land_rows(remote, [], day(4), last=day(4), export_id="export-4th", hours=1)
    disbelieve(landed[0], [day(1)])
    later = landed_exports(remote, CENTER)
    assert [export.manifest.export_id for export in later if export.manifest.first_day == day(4)] == ["export-4th"]
    assert {export.disbelieved for export in later if export.manifest.first_day == day(1)} == {frozenset({day(1)})}
    assert unread_days(remote, CENTER, week, later) == [day(4)]
    ingest(remote, [day(4)])
    assert unread_days(remote, CENTER, week, landed_exports(remote, CENTER)) == []
    write_atomic(remote.job_runs_file(CENTER, day(2)), b"nothing of ours")
    assert unread_days(remote, CENTER, week, landed_exports(remote, CENTER)) == [day(2)]
    with pytest.raises(StorageError, match=r"data\.parquet is not a file of job runs of this version"):
        read_provenances(remote, CENTER, week)
    remote.job_runs_file(CENTER, day(2)).unlink()
    assert unread_days(remote, CENTER, week, landed_exports(remote, CENTER)) == [day(2)]
    with pytest.raises(StorageError, match=r"data\.parquet is missing; materialize job_runs"):
        read_provenances(remote, CENTER, week)
    write_atomic(later[0].directory / MANIFEST, b"\xff nothing of ours")
    with pytest.raises(StorageError, match=r"manifest\.json is not a manifest of this version"):
        landed_exports(remote, CENTER)


def test_what_a_machine_has_kept_of_small_objects_may_be_damaged(remote: Lake, tmp_path: Path) -> None:
    _two_exports(remote)
    before = landed_exports(remote, CENTER)
    kept = list(tmp_path.rglob("known/*.json"))
    assert kept
    for damage in (b"", b"{", b"[1]", b'{"a": 1}', b'{"a": ["b"]}'):
        for file in kept:
            file.write_bytes(damage)
        assert landed_exports(remote, CENTER) == before


def _write_table(path: Path, value: int) -> None:
    from circleci_cost.lake.files import atomic_path

    with atomic_path(path) as temporary:
        pl.DataFrame({"value": [value]}).write_parquet(temporary)


def test_temporary_files_are_kept_in_a_folder_of_this_user_alone(remote: Lake, tmp_path: Path) -> None:
    spill = remote.spill
    assert spill.is_relative_to(tmp_path)
    (own,) = tmp_path.glob("circleci_cost-*")
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o755)
    with pytest.raises(StorageError, match=r"is not a folder of this user alone.*TMPDIR"):
        write_atomic(remote.root / "x", b"")
