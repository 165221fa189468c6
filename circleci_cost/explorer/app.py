"""The web application: which address is answered by which page, within which rules."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from circleci_cost.explorer.access import Refused
from circleci_cost.explorer.addresses import read_address
from circleci_cost.explorer.answers import Answers
from circleci_cost.explorer.explorer import Explorer
from circleci_cost.explorer.forms import read_form
from circleci_cost.explorer.headers import SecurityHeaders
from circleci_cost.explorer.page import Act, Change, Content, Page, Respond
from circleci_cost.explorer.pages import PAGES
from circleci_cost.explorer.rendering import static_files

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(explorer: Explorer, pages: Iterable[Page] = PAGES) -> Starlette:
    """The application over one explorer."""
    answers = Answers(explorer, tuple(pages))
    routes = [Route("/static/{version}/{name:path}", _static), Route("/health", _health)]
    for page in answers.pages:
        for path, respond in ((page.path, page.respond), *page.more):
            routes.append(Route(path, _reading(answers, page, respond)))
        for path, act in page.actions:
            routes.append(Route(path, _changing(answers, page, act), methods=["POST"]))
    return Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)],
        exception_handlers={Refused: answers.refused, HTTPException: answers.refused},
    )


def _static(request: Request) -> Response:
    return static_files().answer(request)


def _health(request: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


def _reading(answers: Answers, page: Page, respond: Respond) -> Endpoint:
    explorer = answers.explorer

    def answer(request: Request, user: str) -> Response:
        address = read_address(request.url.path, request.url.query)
        with explorer.snapshots.take(explorer.settings.get()) as snapshot:
            return answers.response(page, respond(address, snapshot), snapshot, user)

    async def endpoint(request: Request) -> Response:
        user = explorer.access.user_of(request)
        return await run_in_threadpool(answers.guarded, page, request.url.path, lambda: answer(request, user))

    return endpoint


def _changing(answers: Answers, page: Page, act: Act) -> Endpoint:
    explorer = answers.explorer

    def answer(change: Change) -> Response:
        with explorer.snapshots.take(explorer.settings.get()) as snapshot:
            made = act(change, snapshot)
            if isinstance(made, Content):
                return answers.response(page, made, snapshot, change.user)
            return RedirectResponse(str(made), 303)

    async def endpoint(request: Request) -> Response:
        user = explorer.access.user_of(request)
        change = Change(await read_form(request, explorer.tokens, user), user)
        return await run_in_threadpool(answers.guarded, page, request.url.path, lambda: answer(change))

    return endpoint
