"""A store that is away, slow, refuses or has no bucket: one sentence, nothing lost, and no secret in it."""

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from circleci_cost.errors import ConfigurationError, StorageError
from circleci_cost.lake.conditional import ABSENT, replace_if
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.stores import clients
from circleci_cost.lake.stores.addresses import checked_address
from circleci_cost.lake.stores.clients import client
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost_tests.s3_server import AWAY, REFUSED, S3Server


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clients that try again once."""
    monkeypatch.setattr(clients, "_RETRIES", 1)
    yield
    clients._client.cache_clear()


def _sentence(error: pytest.ExceptionInfo[StorageError]) -> str:
    sentence = str(error.value)
    assert "\n" not in sentence
    assert "canary" not in sentence
    assert error.value.__suppress_context__
    return sentence


def test_a_store_that_refuses_names_the_object_and_the_access_that_is_missing(folder: StorePath, s3: S3Server) -> None:
    write_atomic(folder / "pointer", b"before")
    s3.before = lambda method, path: REFUSED if method == "PUT" else None
    with pytest.raises(StorageError) as refused:
        write_atomic(folder / "pointer", b"after")
    assert _sentence(refused).startswith(
        f"S3 does not let these credentials write {folder}/pointer (HTTP 403); what was there before is untouched. "
        "Let them read, write, list and remove below data_dir"
    )
    assert (folder / "pointer").read_bytes() == b"before"
    s3.before = lambda method, path: REFUSED
    for act in (lambda: folder.joinpath("pointer").read_bytes(), lambda: list(folder.glob("*/*"))):
        with pytest.raises(StorageError, match="HTTP 403"):
            act()


def test_a_refusal_to_remove_is_told_although_the_store_answers_that_all_is_well(
    folder: StorePath, s3: S3Server
) -> None:
    write_atomic(folder / "pointer", b"before")
    refusal = "<Key>company/lake/pointer</Key><Code>AccessDenied</Code><Message>canary</Message>"
    body = f"<DeleteResult><Error>{refusal}</Error></DeleteResult>".encode()
    s3.before = lambda method, path: ("200 OK", body) if method == "POST" else None
    with pytest.raises(StorageError, match="does not let these credentials remove") as refused:
        (folder / "pointer").unlink()
    _sentence(refused)


def test_a_missing_bucket_is_named_by_whatever_meets_it_first(s3: S3Server) -> None:
    folder = StorePath("s3://no-such-bucket/lake")
    for act in (
        lambda: write_atomic(folder / "x", b""),
        lambda: replace_if(folder / "x", b"", ABSENT),
        (folder / "x").read_bytes,
        lambda: list(folder.glob("*")),
        lambda: list(folder.glob("*/x")),
    ):
        with pytest.raises(StorageError, match=r"There is no bucket s3://no-such-bucket \(or") as missing:
            act()
        _sentence(missing)


def test_a_store_that_fails_is_tried_again_and_then_named(folder: StorePath, s3: S3Server) -> None:
    s3.before = lambda method, path: AWAY
    with pytest.raises(StorageError, match=r"Cannot write s3://.*: S3 failed \(HTTP 503\); nothing was lost") as away:
        write_atomic(folder / "x", b"")
    _sentence(away)
    assert len(s3.requests) > 1
    failures = iter([AWAY])
    s3.before = lambda method, path: next(failures, None)
    write_atomic(folder / "x", b"")


def test_a_store_that_is_away_is_named_with_the_variable_that_says_where_it_is(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageError, match=r"cannot be reached.*AWS_ENDPOINT_URL") as away:
        (folder / "x").read_bytes()
    _sentence(away)


def test_a_store_that_takes_a_request_and_never_answers_meets_a_deadline(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StorageError, match="did not answer in time"):
            replace_if(folder / "x", b"", ABSENT)


def test_an_environment_without_credentials_is_told_which_variables_to_set(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(StorageError, match=r"There are no credentials for s3://.*AWS_ACCESS_KEY_ID") as missing:
        (folder / "x").read_bytes()
    _sentence(missing)


def test_a_profile_is_read_as_the_sdk_reads_it(
    folder: StorePath, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text("[billing]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_PROFILE", "billing")
    write_atomic(folder / "x", b"1")
    assert (folder / "x").read_bytes() == b"1"
    clients._client.cache_clear()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match="AWS_PROFILE"):
        (folder / "x").read_bytes()


def test_without_the_extra_an_address_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "obstore" else find_spec(name))
    with pytest.raises(ConfigurationError, match=r"pip install 'circleci_cost\[object-stores\]'"):
        client("s3", "bucket")


def test_a_client_shows_no_secret(folder: StorePath) -> None:
    assert "canary" not in repr(client("s3", folder.location.bucket))
    assert "canary" not in repr(folder.location)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("http://host/bucket", "s3://, gs:// or az://"),
        ("s3://key:canary@bucket/lake", "credentials and endpoints come from the environment"),
        ("s3://bucket/lake?X-Amz-Signature=canary", "credentials and endpoints come from the environment"),
        ("s3:///lake", "write the name of a bucket"),
        ("az://", "write the name of a container"),
        ("s3://bucket/../other", "between the slashes"),
        ("s3://bucket/a b", "between the slashes"),
        ("gs://bucket/a//b", "between the slashes"),
    ],
)
def test_an_address_holds_a_bucket_and_a_folder_and_nothing_else(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        checked_address(text)
    assert "canary" not in str(refused.value)


def test_addresses_of_the_three_stores_are_taken() -> None:
    for address in ("s3://my.bucket/company/lake", "gs://bucket", "az://container/a_b/c=1"):
        assert checked_address(f"{address}/") == address
