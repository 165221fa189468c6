"""The last resort: an error that nothing else caught becomes an answer with all headers, and a report."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Bugs:
    """Answers in place of an application that failed before it began to answer."""

    def __init__(self, app: ASGIApp, answer: Callable[[BaseException, str], Response]) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens."""
        has_begun = False

        async def noticed(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, noticed)
        except Exception as error:
            response = self.answer(error, scope["path"])
            if not has_begun:
                await response(scope, receive, send)
