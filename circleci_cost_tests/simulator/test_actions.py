from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from circleci_cost.simulator import Fault
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.simulator_faults import actions as a

from .builders import PAYING
from .conftest import Api

Inject = Callable[[str, Action], None]


@pytest.fixture
def inject(api: Api) -> Inject:
    return lambda route, action: api.simulator.faults.add(Fault(route, action))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_any_status_once_then_the_real_answer(api: Api, inject: Inject, status: int) -> None:
    inject("create", a.Respond(status, {"message": "no"}, {"X-Reason": "test"}))
    answer = api.create()
    assert (answer.status_code, answer.json(), answer.headers["x-reason"]) == (
        status,
        {"message": "no"},
        "test",
    )
    assert answer.headers["content-type"] == "application/json"
    assert api.create().status_code == 201
    assert len(list(api.simulator.jobs)) == 1


@pytest.mark.parametrize("wait", ["3600", "Sun, 22 Nov 2026 13:00:00 GMT", "-5", "soon", None])
def test_retry_after_is_sent_as_it_is(api: Api, inject: Inject, wait: str | None) -> None:
    inject("poll", a.rate_limited(wait, {"RateLimit-Remaining": "0"}))
    answer = api.poll(api.create().json()["usage_export_job_id"])
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, wait)
    assert answer.headers["ratelimit-remaining"] == "0"


def test_pages_instead_of_json(api: Api, inject: Inject) -> None:
    for page, kind in ((a.html_page(), "text/html; charset=utf-8"), (a.xml_page(), "application/xml")):
        inject("me", page)
        answer = api.client.get("/me")
        assert (answer.status_code, answer.headers["content-type"], answer.text[0]) == (200, kind, "<")


def test_json_that_is_broken_or_lacks_fields(api: Api, inject: Inject) -> None:
    inject("create", a.broken_json())
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        api.create().json()
    inject("create", a.without_field("state"))
    assert "state" not in api.create().json()
    inject("create", a.null_field("usage_export_job_id"))
    assert api.create().json()["usage_export_job_id"] is None
    assert len(list(api.simulator.jobs)) == 3


def test_a_large_body_is_still_json(api: Api, inject: Inject) -> None:
    inject("me", a.large_body())
    answer = api.client.get("/me")
    assert len(answer.content) > 5_000_000
    assert answer.json()["login"] == "octocat"


def test_states_of_an_export(api: Api, inject: Inject) -> None:
    job = api.create().json()["usage_export_job_id"]
    seen = []
    for action in (
        a.failed_export("Out of memory"),
        a.failed_export(None),
        a.in_state("paused"),
        a.in_state("processing"),
        a.completed_without_urls(),
        a.completed_without_urls([]),
    ):
        inject("poll", action)
        seen.append(api.poll(job).json())
    rest = {"usage_export_job_id": job, "download_urls": None}
    assert seen == [
        rest | {"state": "failed", "error_reason": "Out of memory"},
        rest | {"state": "failed"},
        rest | {"state": "paused"},
        rest | {"state": "processing"},
        rest | {"state": "completed"},
        rest | {"state": "completed", "download_urls": []},
    ]
    assert len(api.poll(job).json()["download_urls"]) == 3


def test_a_job_that_is_gone_and_a_url_that_expired(api: Api, inject: Inject) -> None:
    inject("poll", a.gone())
    inject("download", a.expired_url())
    job = api.create().json()["usage_export_job_id"]
    assert api.poll(job).json() == {"message": "Usage export not found."}
    url = api.poll(job).json()["download_urls"][0]
    answers = [httpx.get(url, timeout=60) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [403, 200]
    assert "Request has expired" in answers[0].text


def test_a_redirect_leads_elsewhere(api: Api, inject: Inject) -> None:
    inject("create", a.redirect("http://127.0.0.1:1/other", 307))
    answer = api.create()
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:1/other")


def test_lists_of_urls_can_be_changed(api: Api, inject: Inject) -> None:
    def names(action: Action) -> list[str]:
        inject("poll", action)
        return [urlsplit(url).path.rsplit("/", 1)[1] for url in api.urls()]

    parts = [f"part-{n:04d}.csv.gz" for n in range(3)]
    assert names(a.duplicate_url()) == [parts[0], *parts]
    shuffled = names(a.shuffled_urls())
    assert shuffled != parts
    assert sorted(shuffled) == parts
    assert names(a.change_urls("one lost", lambda urls: urls[1:])) == parts[1:]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://files.example", "https://10.0.0.1", "http://169.254.169.254"]
)
def test_urls_can_lead_to_another_host(api: Api, inject: Inject, origin: str) -> None:
    inject("poll", a.foreign_urls(origin))
    urls = api.urls()
    assert urls
    assert all(url.startswith(origin + "/download/") for url in urls)


def test_urls_can_climb(api: Api, inject: Inject) -> None:
    inject("poll", a.climbing_urls())
    urls = api.urls()
    assert urls
    assert all("/download/../../etc/" in url for url in urls)


def test_changes_of_urls_leave_unfinished_exports_alone(api: Api, inject: Inject) -> None:
    api.simulator.jobs.polls = 1
    inject("poll", a.duplicate_url())
    job = api.create().json()["usage_export_job_id"]
    assert api.poll(job, PAYING).json()["download_urls"] is None
