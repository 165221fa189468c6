"""The services that several hosts share: a PostgreSQL for Dagster's records, and a Redis for Celery's queue."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "a-password-of-this-test"
_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def missing() -> str:
    """What is not installed of the two; empty where all is."""
    wanted = {"PostgreSQL": _program("initdb"), "Redis": _program("redis-server")}
    return " and ".join(name for name, path in wanted.items() if path is None)


@contextmanager
def postgres(address: str) -> Iterator[int]:
    """Run a PostgreSQL with the database `dagster` of the user `dagster`; yields its port."""
    # Not in a test's own folder: it refuses to run as root, and no other user reaches that.
    home = Path(tempfile.mkdtemp(prefix="circleci-cost-postgres-"))
    owner: list[str] = []
    if os.geteuid() == 0:
        owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(home, "postgres")
    port, data, password = free_port(address), home / "data", home / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    control = [*owner, str(_program("pg_ctl")), "-D", str(data)]
    options = f"-p {port} -c listen_addresses={address} -c unix_socket_directories={home} -c fsync=off"
    try:
        make = [*owner, str(_program("initdb")), "-D", str(data), "-U", "dagster", "-A", "scram-sha-256"]
        _run([*make, "--pwfile", str(password), "--no-sync", "-E", "UTF8", "--locale=C"])
        with (data / "pg_hba.conf").open("a") as file:
            file.write("host all all 0.0.0.0/0 scram-sha-256\n")
        _run([*control, "-l", str(home / "log"), "-o", options, "-w", "start"])
        try:
            database = [str(_program("createdb")), "-h", address, "-p", str(port), "-U", "dagster", "dagster"]
            _run(database, PGPASSWORD=PASSWORD)
            yield port
        finally:
            _run([*control, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(home)


@contextmanager
def redis(folder: Path, address: str) -> Iterator[int]:
    """Run a Redis that keeps nothing on disk; yields its port."""
    port = free_port(address)
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [str(_program("redis-server")), "-"], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder
        )
    assert process.stdin is not None
    process.stdin.write(f'bind {address}\nport {port}\nsave ""\nrequirepass {PASSWORD}\n'.encode())
    process.stdin.close()
    try:
        _until_answers(address, port)
        yield port
    finally:
        process.kill()
        process.wait()


def free_port(address: str) -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])


def _until_answers(address: str, port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def _program(name: str) -> Path | None:
    found = shutil.which(name, path=os.pathsep.join([*map(str, reversed(_DEBIAN)), os.environ.get("PATH", "")]))
    return Path(found) if found else None


def _run(command: Sequence[str], **environment: str) -> None:
    subprocess.run(command, check=True, env=os.environ | environment, capture_output=True, timeout=60, cwd="/")
