"""What is read from the API's answers, and what is refused."""

import json

import pytest

from circleci_cost.circleci.answers import ExportJob, Organization, export_job, organizations, person
from circleci_cost.circleci.http import Answer
from circleci_cost.errors import SourceError

JOB = "0a1b2c3d-0000-4000-8000-00000000abcd"
COMPLETED = {"usage_export_job_id": JOB, "state": "completed", "download_urls": ["https://a/?s=canary"]}


def answer(value: object) -> Answer:
    return Answer(200, {}, value if isinstance(value, bytes) else json.dumps(value).encode())


def problem(value: object) -> str:
    with pytest.raises(SourceError) as caught:
        export_job(answer(value), "Usage export of acme")
    text = str(caught.value)
    assert text.startswith("Usage export of acme: the answer is not what the CircleCI API promises: ")
    assert text.endswith("; check base_url and proxies in between, then try again.")
    return text.removeprefix("Usage export of acme: the answer is not what the CircleCI API promises: ").partition(";")[
        0
    ]


def test_an_export_job_is_read_and_its_repr_hides_the_urls() -> None:
    job = export_job(answer(COMPLETED | {"more": 1}), "")
    assert job == ExportJob(JOB, "completed", ("https://a/?s=canary",))
    assert repr(job) == f"ExportJob(usage_export_job_id='{JOB}', state='completed', error_reason='')"


def test_null_urls_and_an_unknown_state_are_read_as_they_are() -> None:
    fields = {
        "usage_export_job_id": JOB,
        "state": "pausing",
        "download_urls": None,
        "error_reason": "Too\nmany",
    }
    assert export_job(answer(fields), "") == ExportJob(JOB, "pausing", (), "Too many")


def test_f016_html_broken_json_and_missing_or_null_fields_are_named() -> None:
    assert [
        problem(b"<!DOCTYPE html><html>"),
        problem(json.dumps(COMPLETED).encode()[:40]),
        problem(b"\xff\xfe"),
        problem(b"[" * 100_000),
        problem(b""),
        problem([]),
        problem(COMPLETED | {"usage_export_job_id": None}),
        problem({"state": "created"}),
        problem(COMPLETED | {"usage_export_job_id": "../../me"}),
        problem(COMPLETED | {"state": 7}),
        problem({"usage_export_job_id": JOB, "state": "completed"}),
        problem(COMPLETED | {"download_urls": "https://a/?s=canary"}),
        problem(COMPLETED | {"download_urls": [None]}),
    ] == [
        "it is an HTML or XML page (HTTP 200, 21 bytes)",
        "it is no readable JSON (HTTP 200, 40 bytes)",
        "it is no readable JSON (HTTP 200, 2 bytes)",
        "it is no readable JSON (HTTP 200, 100000 bytes)",
        "it is no readable JSON (HTTP 200, 0 bytes)",
        "it is not a JSON object",
        "usage_export_job_id is null, empty or not a text",
        "usage_export_job_id is missing",
        "usage_export_job_id is not a UUID",
        "state is null, empty or not a text",
        "the export is completed, but download_urls is missing",
        "download_urls is not a list of texts",
        "download_urls is not a list of texts",
    ]


def test_account_answers_are_read() -> None:
    owner = person(answer({"id": JOB, "login": "octocat", "name": None}), "")
    assert (owner.id, owner.login, owner.name) == (JOB, "octocat", "")
    both = [
        {"id": JOB, "vcs-type": "github", "name": "acme", "slug": "gh/acme"},
        {"id": None, "name": "b", "slug": "gh/b"},
    ]
    assert organizations(answer(both), "") == (
        Organization(JOB, "acme", "gh/acme", "github"),
        Organization(None, "b", "gh/b", ""),
    )
    with pytest.raises(SourceError, match="it is not a list"):
        organizations(answer({}), "")
