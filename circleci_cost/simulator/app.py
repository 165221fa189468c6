"""The Usage API as a Starlette app: routes, access, quotas and the shape of every answer.

`contract` checks the body of a request, `sources` gives the rows, `simulator` injects faults around the app.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from circleci_cost.clock import Clock
from circleci_cost.simulator.access import Access
from circleci_cost.simulator.contract import RefusedRequestError, is_uuid, parse_export_request, rfc3339
from circleci_cost.simulator.forwarded import origin_of
from circleci_cost.simulator.jobs import ExportJob, ExportJobs
from circleci_cost.simulator.quota import Quota
from circleci_cost.simulator.signing import UrlSigner
from circleci_cost.simulator.sources import ApiOrganization, FolderOrganization, Source

_JOBS = "/api/v2/organizations/{org_id}/usage_export_job"


@dataclass(frozen=True)
class UsageApi:
    """The parts of the API; `app()` makes an ASGI app of them."""

    source: Source
    clock: Clock
    access: Access
    jobs: ExportJobs
    signer: UrlSigner
    posts: Quota
    gets: Quota
    reach_days: int
    public_url: str | None = None

    def app(self) -> Starlette:
        """Return the app."""
        return Starlette(
            routes=[
                Route("/api/v2/me", self._me),
                Route("/api/v2/me/collaborations", self._collaborations),
                Route("/api/v2/organization/{slug:path}", self._organization),
                Route(_JOBS, self._create, methods=["POST"]),
                Route(_JOBS + "/{job_id}", self._poll),
                Route("/download/{job_id}/{part}", self._download),
            ],
            exception_handlers={HTTPException: _as_json},
        )

    def download_urls(self, job: ExportJob, base: str) -> list[str]:
        """Mint fresh URLs for the parts of a job."""
        now = self.clock.now()
        return [base + self.signer.sign(f"/download/{job.id}/{path.name}", now) for path in self.source.files(job.key)]

    async def _create(self, request: Request) -> Response:
        organization = self._allowed(request)
        self._limit(self.posts, organization)
        try:
            accepted = parse_export_request(await request.body(), now=self.clock.now(), reach_days=self.reach_days)
        except RefusedRequestError as refusal:
            raise HTTPException(400, str(refusal)) from None
        for shared_id in accepted.shared_org_ids:
            sharing = self._find(shared_id)
            if self.source.organizations and organization.id not in (sharing.id, sharing.shares_plan_of):
                raise HTTPException(403, "Organization does not share the plan.")
        job = self.jobs.create(organization.id, accepted)
        return JSONResponse(
            {
                "usage_export_job_id": job.id,
                "state": "created",
                "start": rfc3339(accepted.start),
                "end": rfc3339(accepted.end),
                "download_urls": None,
            },
            201,
        )

    async def _poll(self, request: Request) -> Response:
        organization = self._allowed(request)
        self._limit(self.gets, organization)
        job = self.jobs.find(request.path_params["job_id"], organization.id)
        if job is None:
            raise HTTPException(404, "Usage export not found.")
        state = self.jobs.poll(job)
        answer: dict[str, object] = {"usage_export_job_id": job.id, "state": state, "download_urls": None}
        if state == "completed":
            base = self.public_url or origin_of(request)
            answer["download_urls"] = await run_in_threadpool(self.download_urls, job, base) or None
        return JSONResponse(answer)

    async def _download(self, request: Request) -> Response:
        path, query = request.url.path, request.url.query
        error = self.signer.verdict(path, query, self.clock.now())
        if error is not None:
            return object_store_error(error)
        job = self.jobs.find(request.path_params["job_id"])
        files: list[Path] = await run_in_threadpool(self.source.files, job.key) if job else []
        for file in files:
            if file.name == request.path_params["part"]:
                return FileResponse(file, media_type="application/gzip")
        return object_store_error("NoSuchKey", 404)

    async def _me(self, request: Request) -> Response:
        self.access.check_token(request.headers)
        return JSONResponse({"id": "6a1c1f0e-7f5b-4f0a-9b1d-3f1c2d4e5a60", "login": "octocat", "name": "Octo Cat"})

    async def _collaborations(self, request: Request) -> Response:
        self.access.check_token(request.headers)
        return JSONResponse(
            [
                {
                    "id": organization.id,
                    "vcs-type": organization.vcs_type,
                    "name": organization.name,
                    "slug": organization.slug,
                    "avatar_url": None,
                }
                for organization in self.source.organizations
            ]
        )

    async def _organization(self, request: Request) -> Response:
        self.access.check_token(request.headers)
        organization = self._find(request.path_params["slug"], by_slug=True)
        return JSONResponse(
            {
                "id": organization.id,
                "name": organization.name,
                "slug": organization.slug,
                "vcs_type": organization.vcs_type,
            }
        )

    def _allowed(self, request: Request) -> ApiOrganization:
        """Check the token, then that the organization exists, then that the token may read its usage."""
        self.access.check_token(request.headers)
        organization = self._find(request.path_params["org_id"])
        self.access.check_organization(organization.id)
        return organization

    def _find(self, text: str, *, by_slug: bool = False) -> ApiOrganization:
        """Find an organization by its id or, where the route takes them, its slug."""
        short = text.replace("github/", "gh/", 1).replace("bitbucket/", "bb/", 1)
        matches: Callable[[ApiOrganization], bool] = (
            (lambda known: known.id == text.lower())
            if is_uuid(text)
            else (lambda known: by_slug and known.slug == short)
        )
        for organization in self.source.organizations:
            if matches(organization):
                return organization
        if not self.source.organizations and is_uuid(text):
            return FolderOrganization(text.lower(), text[:8], f"circleci/{text}", "circleci")
        raise HTTPException(404, "Organization not found.")

    @staticmethod
    def _limit(quota: Quota, organization: ApiOrganization) -> None:
        """Answer 429 where the organization's quota is used up."""
        wait = quota.take(organization.id)
        if wait is not None:
            headers = {
                "Retry-After": str(wait),
                "X-RateLimit-Limit": str(quota.limit),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(wait),
            }
            raise HTTPException(429, "Rate limit exceeded.", headers)


def object_store_error(code: str, status: int = 403) -> Response:
    """Return an error as an object store writes it: XML."""
    code, message = ("AccessDenied", "Request has expired") if code == "RequestExpired" else (code, code)
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return Response(body, status, media_type="application/xml")


def _as_json(request: Request, error: Exception) -> Response:
    """Write an HTTP error as CircleCI does: `{"message": …}`."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"message": error.detail}, error.status_code, headers=error.headers)
