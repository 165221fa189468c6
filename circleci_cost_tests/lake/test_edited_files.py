"""A file that people edit, too: no change is lost, none is half, and whoever could use the file still can."""

import ctypes
import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.errors import StorageError
from circleci_cost.lake import edited_files
from circleci_cost.lake.edited_files import edit_file, why_read_only
from circleci_cost_tests.faults.limits import files_of_at_most, obey_permissions
from circleci_cost_tests.lake.disk_calls import Renamed, synced, watched
from circleci_cost_tests.pipeline.processes import ended, start

PROCESSES, EDITS = 4, 25
_DROP_CAPABILITY, _GIVING_FILES_AWAY = 24, 0


def added(line: bytes) -> Any:
    """An edit that adds a line."""
    return lambda content: (content or b"") + line + b"\n"


def add_lines(path: Path, name: str) -> None:
    """Add many lines, each by an edit of its own."""
    for number in range(EDITS):
        edit_file(path, added(f"{name}-{number}".encode()))


def grow(path: Path) -> None:
    """Write the file again and again, a megabyte at a time, all bytes the same letter."""
    for number in range(1_000_000):
        letter = b"ab"[number % 2 : number % 2 + 1]
        edit_file(path, lambda _, letter=letter: letter * 1_000_000)  # type: ignore[misc]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_four_processes_lose_no_edit_and_leave_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    processes = [start(add_lines, path, str(number)) for number in range(PROCESSES)]
    assert [ended(process) for process in processes] == [0] * PROCESSES
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(f"{process}-{number}" for process in range(PROCESSES) for number in range(EDITS))
    assert names(tmp_path) == ["decisions.csv"]


def test_threads_of_one_process_lose_no_edit(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    threads = [threading.Thread(target=add_lines, args=(path, str(number))) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(path.read_text().splitlines())) == 4 * EDITS


def test_a_killed_process_leaves_a_whole_file_and_the_next_edit_cleans_up(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a" * 1_000_000)
    for number in range(40 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 6):
        process = start(grow, path)
        inode = path.stat().st_ino
        while path.stat().st_ino == inode:
            time.sleep(0.001)
        time.sleep(0.003 * number)
        os.kill(process.pid or 0, signal.SIGKILL)
        assert ended(process) == -signal.SIGKILL
        assert path.read_bytes() in {b"a" * 1_000_000, b"b" * 1_000_000}
    assert edit_file(path, added(b"end"))
    assert path.read_bytes().endswith(b"end\n")
    assert names(tmp_path) == ["decisions.csv"]


def test_what_a_text_editor_saves_in_the_same_moment_is_edited_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"first\n")
    seen = []

    def edit(content: bytes | None) -> bytes:
        seen.append(content)
        if len(seen) == 1:
            path.write_bytes(b"first\nby hand\n")
        return (content or b"") + b"ours\n"

    assert edit_file(path, edit)
    assert seen == [b"first\n", b"first\nby hand\n"]
    assert path.read_bytes() == b"first\nby hand\nours\n"


def test_a_file_that_another_program_writes_without_end_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"

    def edit(content: bytes | None) -> bytes:
        path.write_bytes((content or b"") + b"theirs\n")
        return b"ours\n"

    with pytest.raises(StorageError) as refused:
        edit_file(path, edit)
    assert str(refused.value) == (
        f"Another program keeps changing {path}; nothing was changed. Try again when it is done."
    )
    assert path.read_bytes() == b"theirs\n" * 5
    assert names(tmp_path) == ["decisions.csv"]


def test_bytes_are_on_disk_before_the_rename_and_the_rename_before_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "decisions.csv"
    calls = watched(monkeypatch)
    edit_file(path, added(b"a"))
    assert calls == [synced(path), Renamed(path), synced(tmp_path)]


def test_an_edit_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    assert not edit_file(path, lambda content: content)
    assert names(tmp_path) == []
    path.write_bytes(b"a")
    before = path.stat()
    assert not edit_file(path, lambda content: content)
    assert path.stat() == before or path.stat().st_mtime_ns == before.st_mtime_ns


def test_an_error_of_the_edit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")

    def fail(content: bytes | None) -> bytes:
        raise LookupError(content)

    with pytest.raises(LookupError):
        edit_file(path, fail)
    assert path.read_bytes() == b"a"
    assert names(tmp_path) == ["decisions.csv"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o644])
def test_permissions_stay_and_the_time_of_change_is_new(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    path.chmod(mode)
    os.utime(path, (1_000_000, 1_000_000))
    edit_file(path, added(b"b"))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.stat().st_mtime > 1_700_000_000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    os.chown(path, 1234, 4321)
    edit_file(path, added(b"b"))
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    target, link = tmp_path / "repository" / "decisions.csv", tmp_path / "decisions.csv"
    link.symlink_to("repository/decisions.csv")
    edit_file(link, added(b"made"))
    edit_file(link, added(b"changed"))
    assert link.is_symlink()
    assert target.read_bytes() == b"made\nchanged\n"
    assert names(tmp_path / "repository") == ["decisions.csv"]


def test_f041_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a" * 100)
    with files_of_at_most(5000), pytest.raises(StorageError) as refused:
        edit_file(path, lambda _: b"b" * 100_000)
    assert str(refused.value).startswith(f"Cannot write {path}: File too large; what was there before is untouched.")
    assert path.read_bytes() == b"a" * 100
    assert names(tmp_path) == ["decisions.csv"]


def test_a_file_that_is_mounted_by_itself_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a container may be given one file; the system refuses the rename with EBUSY."""
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")

    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(StorageError, match=r"is mounted by itself and cannot be replaced; .* Mount its folder instead"):
        edit_file(path, added(b"b"))
    assert names(tmp_path) == ["decisions.csv"]
    assert path.read_bytes() == b"a"


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none" / "decisions.csv"
    with pytest.raises(StorageError) as refused:
        edit_file(path, added(b"a"))
    assert str(refused.value) == (
        f"The folder {tmp_path}/none is not there; make it, or correct the path of decisions.csv. Nothing was changed."
    )
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to itself"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "decisions.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    with pytest.raises(StorageError, match=r"^\S+/decisions.csv (is a|cannot be read).*Nothing was changed\.$"):
        edit_file(path, added(b"a"))


_TRY = """
import sys
from pathlib import Path
from circleci_cost.errors import StorageError
from circleci_cost.lake.edited_files import edit_file, why_read_only
path = Path(sys.argv[1])
print(why_read_only(path))
try:
    edit_file(path, lambda content: b"changed")
except StorageError as error:
    print(error)
"""


def give_up_roots_powers() -> None:
    """Be root without its powers over others' files: nor may it give files away, as nobody else may."""
    obey_permissions()
    if ctypes.CDLL(None).prctl(_DROP_CAPABILITY, _GIVING_FILES_AWAY, 0, 0, 0) != 0:
        raise OSError("root's power to give files away cannot be given up")


def tried(path: Path) -> list[str]:
    """What a process without root's powers says about the file before and after it tries to change it."""
    done = subprocess.run(
        [sys.executable, "-c", _TRY, str(path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=give_up_roots_powers if os.geteuid() == 0 else None,
    )
    return done.stdout.splitlines()


def test_f093_without_write_access_the_file_stays_and_the_sentence_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    path.chmod(0o444)
    sentence = f"This user may not write {path}; give it write access."
    assert tried(path) == [sentence, f"{sentence} Nothing was changed."]
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    sentence = f"This user may not write to the folder {tmp_path}; give it write access."
    try:
        assert tried(path) == [sentence, f"{sentence} Nothing was changed."]
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == b"a"
    assert why_read_only(path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make files of others")
def test_a_file_of_another_user_is_replaced_if_that_user_can_write_it_by_its_group(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    os.chown(path, 1234, os.getegid())
    path.chmod(0o664)
    assert tried(path) == ["None"]
    assert path.read_bytes() == b"changed"
    assert (path.stat().st_uid, path.stat().st_gid) == (os.geteuid(), os.getegid())
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make files of others")
def test_a_file_of_another_user_who_could_not_write_it_any_more_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    os.chown(path, 1234, 4321)
    path.chmod(0o666)
    sentence = (
        f"{path} belongs to another user or group, who could not use it any more if this user wrote it. Let its group "
        "write it (chmod g+w), with this user in the group, or edit the file by hand."
    )
    assert tried(path) == ["None", f"{sentence} Nothing was changed."]
    assert path.read_bytes() == b"a"
    assert (path.stat().st_uid, path.stat().st_gid, names(tmp_path)) == (1234, 4321, ["decisions.csv"])


def look_as_another(path: Path, told: Any) -> None:
    """Say what a user who is not root is told about the file, and change it if that is nothing."""
    os.setgroups([4321])
    os.setegid(4321)
    os.seteuid(4322)
    refusal = why_read_only(path)
    told.put(refusal)
    if refusal is None:
        edit_file(path, added(b"b"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")
@pytest.mark.parametrize(
    ("owner", "mode", "refusal"),
    [
        ((4322, 4321), 0o600, None),
        ((4322, 4322), 0o600, None),
        ((4322, 4322), 0o640, "belongs to another user"),
        ((1234, 4321), 0o664, None),
        ((1234, 4321), 0o644, "This user may not write"),
        ((1234, 4322), 0o666, "belongs to another user"),
        ((1234, 4321), 0o660, None),
        ((1234, 4321), 0o626, "belongs to another user"),
    ],
)
def test_whoever_may_not_change_the_file_is_told_before_trying(
    owner: tuple[int, int], mode: int, refusal: str | None
) -> None:
    told = get_context("forkserver").Queue()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        path = Path(folder) / "decisions.csv"
        path.write_bytes(b"")
        os.chown(path, *owner)
        path.chmod(mode)
        process = start(look_as_another, path, told)
        assert (refusal or "None") in str(told.get(timeout=60))
        assert ended(process) == 0
        assert path.read_bytes() == (b"" if refusal else b"b\n")
        assert stat.S_IMODE(path.stat().st_mode) == mode
        # Whoever was in a group that may use the file still is.
        assert path.stat().st_gid == owner[1] or not mode & 0o070


def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    try:
        os.setxattr(path, "user.origin", b"finops")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    edit_file(path, added(b"b"))
    assert os.getxattr(path, "user.origin") == b"finops"


def test_a_file_system_that_is_read_only_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"a")
    flags = list(os.statvfs(path))
    flags[8] |= os.ST_RDONLY
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(flags))
    sentence = f"{path} is on a file system that is read-only; make it writable."
    assert why_read_only(path) == sentence
    with pytest.raises(StorageError, match=f"^{sentence} Nothing was changed.$"):
        edit_file(path, added(b"b"))


def test_whoever_holds_the_lock_too_long_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edited_files, "_LONGEST_WAIT_SECONDS", 0.2)
    path = tmp_path / "decisions.csv"
    refusals = []

    def edit(content: bytes | None) -> bytes:
        try:
            edit_file(path, added(b"inner"))
        except StorageError as error:
            refusals.append(str(error))
        return (content or b"") + b"outer"

    assert edit_file(path, edit)
    assert refusals == [
        f"Another program has been changing {path} for more than 0 seconds; nothing was changed. End that program, or "
        "try again."
    ]
    assert path.read_bytes() == b"outer"
