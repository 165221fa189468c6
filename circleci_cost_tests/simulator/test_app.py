from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.simulator import Simulator

from .builders import OTHER, PAYING, SHARED, scenario
from .conftest import Api

Serve = Callable[[Simulator], Api]


def test_an_export_is_created_and_its_dates_come_back_with_z(api: Api) -> None:
    answer = api.create(start="2026-11-01T00:00:00+00:00", shared_org_ids=[])
    body = answer.json()
    assert answer.status_code == 201
    assert str(UUID(body.pop("usage_export_job_id")))
    assert body == {
        "state": "created",
        "start": "2026-11-01T00:00:00Z",
        "end": "2026-11-10T23:59:59Z",
        "download_urls": None,
    }


@pytest.mark.parametrize("first", ["processing", "created"])
def test_an_export_goes_through_its_states(serve: Serve, clock: ManualClock, first: str) -> None:
    simulator = Simulator(
        scenario(), clock=clock, processing_polls=2, processing_seconds=60.0, shows_created=first == "created"
    )
    api = serve(simulator)
    job = api.create().json()["usage_export_job_id"]
    seen = [api.poll(job).json() for _ in range(3)]
    clock.advance(timedelta(seconds=60))
    done = api.poll(job).json()
    assert [one["state"] for one in seen] == [first, "processing", "processing"]
    assert [one["download_urls"] for one in seen] == [None, None, None]
    assert done["state"] == "completed"
    assert len(done["download_urls"]) == 3
    assert set(done) == {"usage_export_job_id", "state", "download_urls"}


def test_every_get_mints_fresh_urls(api: Api) -> None:
    job = api.create().json()["usage_export_job_id"]
    first, second = (api.poll(job).json()["download_urls"] for _ in range(2))
    assert set(first).isdisjoint(second)
    assert [httpx.get(url, timeout=60).content for url in first] == [
        httpx.get(url, timeout=60).content for url in second
    ]


def test_a_window_without_rows_is_completed_without_urls(api: Api) -> None:
    job = api.create(start="2026-11-22T00:00:00Z", end="2026-11-22T11:00:00Z").json()["usage_export_job_id"]
    assert api.poll(job).json() == {"usage_export_job_id": job, "state": "completed", "download_urls": None}


def test_downloads_want_no_token_and_the_log_says_whether_one_came(api: Api) -> None:
    url = api.urls()[0]
    assert httpx.get(url, timeout=60).status_code == 200
    assert httpx.get(url, headers={"Circle-Token": "canary-token"}, timeout=60).status_code == 200
    assert httpx.get(url, headers={"Authorization": "Bearer canary-token"}, timeout=60).status_code == 200
    downloads = api.simulator.log.of("download")
    assert [record.had_token for record in downloads] == [False, True, True]
    assert "signature" not in repr(list(api.simulator.log))
    assert "canary-token" not in repr(list(api.simulator.log))


def test_a_url_expires_after_36_hours(api: Api, clock: ManualClock) -> None:
    url = api.urls()[0]
    clock.advance(timedelta(hours=36))
    assert httpx.get(url, timeout=60).status_code == 200
    clock.advance(timedelta(seconds=1))
    answer = httpx.get(url, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml")
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.text


def test_a_changed_url_is_refused(api: Api) -> None:
    first, second, *_ = api.urls()
    swapped = second.split("?")[0] + "?" + first.split("?")[1]
    assert "SignatureDoesNotMatch" in httpx.get(swapped, timeout=60).text
    assert httpx.get(first.replace("signature=", "signature=0"), timeout=60).status_code == 403
    assert httpx.get(first.split("?")[0], timeout=60).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Circle-Token": ""}, {"Authorization": "Basic abc"}])
def test_without_a_token_nothing_is_told(api: Api, headers: dict[str, str]) -> None:
    base = api.server.base_url
    for path in ("/me", "/me/collaborations", "/organization/gh/initech"):
        assert httpx.get(base + path, headers=headers, timeout=60).status_code == 401
    answer = httpx.post(f"{base}/organizations/{PAYING}/usage_export_job", headers=headers, content=b"{", timeout=60)
    assert (answer.status_code, answer.json()) == (401, {"message": "You must log in first."})


def test_tokens_can_be_named_and_expire(api: Api) -> None:
    api.simulator.access.tokens = {"canary-token"}
    assert api.client.get("/me").status_code == 200
    assert api.client.get("/me", headers={"Circle-Token": "another"}).status_code == 401
    bearer = {"Authorization": "Bearer canary-token"}
    assert httpx.get(api.server.base_url + "/me", headers=bearer, timeout=60).status_code == 200
    api.simulator.access.expired_tokens.add("canary-token")
    assert api.client.get("/me").status_code == 401
    assert "canary" not in repr(api.simulator.access)


def test_only_administrators_may_export(api: Api) -> None:
    api.simulator.access.forbidden_organizations.add(OTHER)
    assert api.create(OTHER).status_code == 403
    assert api.create(PAYING).status_code == 201


def test_unknown_organizations_and_slugs_are_not_found(api: Api) -> None:
    assert api.create("99999999-9999-4999-8999-999999999999").status_code == 404
    assert api.create("gh/initech").status_code == 404
    assert api.create("initech").json() == {"message": "Organization not found."}


def test_unknown_exports_are_not_found(api: Api) -> None:
    job = api.create().json()["usage_export_job_id"]
    foreign = api.poll(job, OTHER)
    assert (foreign.status_code, foreign.json()) == (404, {"message": "Usage export not found."})
    assert api.poll("nonsense").status_code == 404


def test_refusals_of_a_body_are_400_with_a_message(api: Api) -> None:
    answer = api.create(x=1)
    assert (answer.status_code, answer.json()) == (400, {"message": "Unexpected field 'x'."})


def test_only_organizations_of_the_plan_can_be_shared(api: Api) -> None:
    assert api.create(shared_org_ids=[SHARED]).status_code == 201
    assert api.create(shared_org_ids=[OTHER]).status_code == 403
    assert api.create(shared_org_ids=["99999999-9999-4999-8999-999999999999"]).status_code == 404


def test_ten_posts_an_hour_and_organization(api: Api, clock: ManualClock) -> None:
    assert {api.create().status_code for _ in range(10)} == {201}
    clock.advance(timedelta(minutes=59, seconds=30))
    refused = api.create()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert api.create(OTHER).status_code == 201
    clock.advance(timedelta(seconds=30))
    assert api.create().status_code == 201


def test_ten_gets_a_minute_and_organization(api: Api, clock: ManualClock) -> None:
    job = api.create().json()["usage_export_job_id"]
    assert {api.poll(job).status_code for _ in range(10)} == {200}
    refused = api.poll(job)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    clock.advance(timedelta(seconds=60))
    assert api.poll(job).status_code == 200


def test_the_account_routes_name_the_organizations(api: Api) -> None:
    assert set(api.client.get("/me").json()) == {"id", "login", "name"}
    assert api.client.get("/me/collaborations").json()[2] == {
        "id": OTHER,
        "vcs-type": "circleci",
        "name": "hooli",
        "slug": "circleci/Abc123",
        "avatar_url": None,
    }
    expected = {"id": PAYING, "name": "initech", "slug": "gh/initech", "vcs_type": "github"}
    for name in ("gh/initech", "github/initech", PAYING):
        assert api.client.get(f"/organization/{name}").json() == expected
    assert api.client.get("/organization/gh/unknown").json() == {"message": "Organization not found."}


def test_unknown_routes_and_methods_are_json_errors(api: Api) -> None:
    assert api.client.get("/insights").json() == {"message": "Not Found"}
    assert api.client.delete("/me").status_code == 405


def test_the_date_header_is_the_simulators(api: Api) -> None:
    assert api.client.get("/me").headers["date"] == "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "sim.example.com"},
        {"Forwarded": 'for=10.0.0.1;proto=https;host="sim.example.com"'},
    ],
)
def test_behind_tls_downloads_have_the_scheme_and_host_that_the_proxy_tells(api: Api, headers: dict[str, str]) -> None:
    api.client.headers.update(headers)
    assert all(url.startswith("https://sim.example.com/download/") for url in api.urls())
