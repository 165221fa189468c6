"""How many requests are worked on at once: the others wait for their turn, and not for ever.

The threads are bounded by it, and what all queries together use of the machine.
"""

from collections.abc import Callable

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from circleci_cost.explorer.access import Refused
from circleci_cost.explorer.ending import Ending, Reason

MOST_AT_ONCE = 8
# As long as a query may take by default: then a slow one before this has ended.
PATIENCE_SECONDS = 20.0


class Turns:
    """Gives each request a thread of its own, `MOST_AT_ONCE` at a time."""

    def __init__(self, most: int = MOST_AT_ONCE, patience: float = PATIENCE_SECONDS) -> None:
        """Nobody is waiting yet."""
        self._limiter = anyio.CapacityLimiter(most)
        self._patience = patience

    async def take(self, request: Request, work: Callable[[Ending], Response]) -> Response:
        """The result of `work`, in a thread; a reader that leaves ends its queries. Raises `Refused` where all wait."""
        with anyio.move_on_after(self._patience) as waiting:
            await self._limiter.acquire()
        if waiting.cancelled_caught:
            raise Refused(503, "Too many pages are asked for at once; try again in a minute.")
        try:
            return await self._done(request, work)
        finally:
            self._limiter.release()

    async def _done(self, request: Request, work: Callable[[Ending], Response]) -> Response:
        ending = Ending()

        async def end_when_left() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            ending.ask(Reason.READER_LEFT)

        async with anyio.create_task_group() as group:
            group.start_soon(end_when_left)
            response = await run_sync(work, ending)
            group.cancel_scope.cancel()
        return response
