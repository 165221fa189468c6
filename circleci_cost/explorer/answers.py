"""What the browser gets: a page in its frame, a file, JSON, another address, or a sentence that says why not."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from circleci_cost.errors import CircleciCostError, ConfigurationError, UsageError
from circleci_cost.explorer.access import Refused
from circleci_cost.explorer.explorer import Explorer
from circleci_cost.explorer.frame import status_of
from circleci_cost.explorer.page import Answer, Content, Download, Json, MovedTo, Page
from circleci_cost.explorer.rendering import render
from circleci_cost.explorer.snapshot import Snapshot, TooLargeError, TooSlowError
from circleci_cost.text.commands import for_demo
from circleci_cost.text.literals import json_text

_STATUS: tuple[tuple[type[CircleciCostError], int], ...] = (
    (UsageError, 400),
    (ConfigurationError, 400),
    (TooLargeError, 400),
    (TooSlowError, 504),
)
# Below it, errors are JSON, too.
FOR_PROGRAMS = "/api/"
# The data cannot be read now, or lack what was asked for; the sentence says what to do.
_NOT_NOW = 503
_SENTENCES = {404: "There is no such page.", 405: "This address cannot be asked in that way."}
_BUG = "Something went wrong here that should not; the log of `circleci-cost serve` has the details."


@dataclass(frozen=True)
class Answers:
    """Makes the answers of one explorer with its pages."""

    explorer: Explorer
    pages: tuple[Page, ...]

    def response(self, page: Page, made: Answer, snapshot: Snapshot, user: str) -> Response:
        """What a page's function has made, as the browser gets it."""
        match made:
            case Content():
                return HTMLResponse(self._page(page, made, snapshot, user), made.status)
            case Download():
                disposition = {"Content-Disposition": f'attachment; filename="{made.name}"'}
                return Response("".join(made.lines), headers=disposition, media_type=made.media_type)
            case Json():
                return Response(f"{json_text(made.content)}\n", made.status, media_type="application/json")
            case MovedTo():
                return RedirectResponse(str(made.address), 303)

    def _page(self, page: Page, content: Content, snapshot: Snapshot, user: str) -> str:
        html = render(
            content.template,
            **content.values,
            page=page,
            pages=self.pages,
            status=status_of(snapshot),
            problem=self.explorer.settings.problem,
            token=lambda: self.explorer.tokens.make(user),
            user=user,
            views=snapshot.settings.explorer.views,
        )
        return self._as_called(html)

    def _as_called(self, text: str) -> str:
        """A text with the commands in it as they have to be called for the data that are shown."""
        return for_demo(text, every=True) if self.explorer.settings.is_demo else text

    def guarded(self, page: Page, path: str, answer: Callable[[], Response]) -> Response:
        """The answer, or one that says in a sentence why there is none."""
        try:
            return answer()
        except CircleciCostError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), _NOT_NOW)
            return self._error(page, path, status, str(error))
        except Exception as error:
            return self.failed(error, path, page)

    def failed(self, error: BaseException, path: str, page: Page | None = None) -> Response:
        """The answer to a request that met a bug, which is reported."""
        self.explorer.report_bug(error)
        return self._error(page, path, 500, _BUG)

    async def refused(self, request: Request, error: Exception) -> Response:
        """The answer to a request that reaches no page."""
        path = request.scope["path"]
        if isinstance(error, Refused):
            return self._error(None, path, error.status, error.sentence)
        if isinstance(error, HTTPException):
            sentence = _SENTENCES.get(error.status_code, f"{error.detail}.")
            response = self._error(None, path, error.status_code, sentence)
            response.headers.update(error.headers or {})
            return response
        raise error

    def _error(self, page: Page | None, path: str, status: int, sentence: str) -> Response:
        if path.startswith(FOR_PROGRAMS):
            return Response(f"{json_text({'error': sentence})}\n", status, media_type="application/json")
        html = render(
            "error.html",
            page=page,
            pages=self.pages,
            status=None,
            problem=None,
            user="",
            views=(),
            code=status,
            sentence=self._as_called(sentence),
        )
        return HTMLResponse(html, status)
