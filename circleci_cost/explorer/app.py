"""The web application: which address is answered by which page, within which rules."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from circleci_cost.explorer.access import Refused
from circleci_cost.explorer.addresses import read_address
from circleci_cost.explorer.answers import Answers
from circleci_cost.explorer.bugs import Bugs
from circleci_cost.explorer.ending import Ending
from circleci_cost.explorer.explorer import Explorer
from circleci_cost.explorer.forms import read_form
from circleci_cost.explorer.headers import SecurityHeaders
from circleci_cost.explorer.page import Act, Change, Content, Page, Respond
from circleci_cost.explorer.pages import PAGES
from circleci_cost.explorer.rendering import static_files
from circleci_cost.explorer.turns import Turns

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(explorer: Explorer, pages: Iterable[Page] = PAGES) -> Starlette:
    """The application over one explorer."""
    answers, turns = Answers(explorer, tuple(pages)), Turns()
    routes = [Route("/static/{version}/{name:path}", _static), Route("/health", _health)]
    for page in answers.pages:
        for path, respond in ((page.path, page.respond), *page.more):
            routes.append(Route(path, _reading(answers, turns, page, respond)))
        for path, act in page.actions:
            routes.append(Route(path, _changing(answers, turns, page, act), methods=["POST"]))
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Bugs, answer=answers.failed),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers={Refused: answers.refused, HTTPException: answers.refused},
    )
    # The redirection to the address without its last slash would go to whatever host the request names.
    app.router.redirect_slashes = False
    return app


async def _static(request: Request) -> Response:
    return static_files().answer(request)


async def _health(request: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


def _reading(answers: Answers, turns: Turns, page: Page, respond: Respond) -> Endpoint:
    explorer = answers.explorer

    def answer(request: Request, user: str, ending: Ending) -> Response:
        address = read_address(_path(request), request.scope["query_string"].decode("latin-1"))
        with explorer.snapshots.take(explorer.settings.get(), ending) as snapshot:
            return answers.response(page, respond(address, snapshot), snapshot, user)

    async def endpoint(request: Request) -> Response:
        user = explorer.access.user_of(request)
        return await turns.take(
            request, lambda ending: answers.guarded(page, _path(request), lambda: answer(request, user, ending))
        )

    return endpoint


def _changing(answers: Answers, turns: Turns, page: Page, act: Act) -> Endpoint:
    explorer = answers.explorer

    def answer(change: Change) -> Response:
        with explorer.snapshots.take(explorer.settings.get()) as snapshot:
            made = act(change, snapshot)
            if isinstance(made, Content):
                return answers.response(page, made, snapshot, change.user)
            return RedirectResponse(str(made), 303)

    async def endpoint(request: Request) -> Response:
        user = explorer.access.user_of(request)
        change = Change(await read_form(request, explorer.access, explorer.tokens, user), user)
        return await turns.take(request, lambda ending: answers.guarded(page, _path(request), lambda: answer(change)))

    return endpoint


def _path(request: Request) -> str:
    """The path, without what a hostile `Host` can do to the whole address."""
    return str(request.scope["path"])
