"""Data directories as earlier versions left them: northwind's sample, imported and published by their own code.

The archives in `data` leave out the imported file, which is there already. One is made from its commit by
`python -m circleci_cost_tests.earlier_versions NAME`, in a clone that has the commit.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

DATA = Path(__file__).parent / "data"
SAMPLE = DATA / "usage_export_part_unquoted.csv.gz"
# The last commits before virtual tags, budgets and notifications, before anomalies, the last one with a
# `warehouse.duckdb`, the last one before files of job runs had checksums, and the last one before days knew what
# computed them.
COMMITS = {
    "before_allocation": "27262a8",
    "before_anomalies": "9ef2a3d",
    "before_table_files": "95dc379",
    "before_checksums": "9bf0e1d",
    "before_computing_rules": "2aee59b",
}


def unpack(name: str, folder: Path) -> Path:
    """Write northwind's configuration and the data directory of a version into `folder`; return the directory."""
    (folder / "circleci_cost.toml").write_bytes((DATA / "northwind.toml").read_bytes())
    with tarfile.open(_archive(name)) as archive:
        archive.extractall(folder, filter="data")
    (directory,) = (folder / "data" / "exports" / "northwind").iterdir()
    shutil.copyfile(SAMPLE, directory / "part-0000.csv.gz")
    return folder / "data"


def main() -> None:
    """Make an archive anew."""
    (name,) = sys.argv[1:]
    command = ["git", "archive", COMMITS[name], "circleci_cost"]
    code = subprocess.run(command, cwd=DATA.parents[1], check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory() as place, tarfile.open(fileobj=io.BytesIO(code)) as tree:
        folder = Path(place)
        tree.extractall(folder / "code", filter="data")
        (folder / "circleci_cost.toml").write_bytes((DATA / "northwind.toml").read_bytes())
        subprocess.run(
            [sys.executable, "-m", "circleci_cost.cli", "import", str(SAMPLE), "--cost-center", "northwind"],
            cwd=folder,
            env={"PYTHONPATH": str(folder / "code"), "HOME": place},
            check=True,
        )
        with tarfile.open(_archive(name), "w:xz", preset=9) as archive:
            archive.add(folder / "data", "data", filter=_without_the_sample)


def _without_the_sample(file: tarfile.TarInfo) -> tarfile.TarInfo | None:
    file.uname = file.gname = ""
    file.uid = file.gid = 0
    return None if file.name.endswith(".csv.gz") else file


def _archive(name: str) -> Path:
    return DATA / f"{name}.tar.xz"


if __name__ == "__main__":
    main()
