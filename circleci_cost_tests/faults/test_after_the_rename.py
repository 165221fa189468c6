"""An error that comes after the rename which makes something count: what the new name leads to stays."""

import errno
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.circleci.harness import running
from circleci_cost_tests.cli.harness import publish_rows


def fail_after_rename(patch: pytest.MonkeyPatch, ending: str) -> None:
    """Let the disk fail once a file of that name has been renamed into place."""
    original = os.replace

    def replace(source: Any, target: Any, **options: Any) -> None:
        original(source, target, **options)
        if str(target).endswith(ending):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))

    patch.setattr(os, "replace", replace)


def test_a_generation_that_the_pointer_names_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_rows(tmp_path, [{"date": date(2026, 1, 2), "compute": "1"}])
    with monkeypatch.context() as patch, pytest.raises(StorageError):
        fail_after_rename(patch, "published/current.json")
        publish_rows(tmp_path, [{"date": date(2026, 1, 3), "compute": "2"}])
    with current_generation(Lake(tmp_path)).connect() as connection:
        assert connection.execute("SELECT count(*), sum(credits) FROM daily_costs").fetchall() == [(2, 3)]


def test_the_parts_of_an_export_that_has_landed_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as site:
        with monkeypatch.context() as patch, pytest.raises(StorageError):
            fail_after_rename(patch, "manifest.json")
            site.fetch()
        (landed,) = landed_exports(site.lake, "acme")
        assert site.landed_contents(landed) == site.contents
        assert site.fetch() == landed
