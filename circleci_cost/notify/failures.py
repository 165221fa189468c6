"""Why a message was not delivered, in one sentence without any secret, and whether to try soon again.

When it is tried again is the outbox's to decide.
"""

from circleci_cost.errors import CircleciCostError


class NotDelivered(CircleciCostError):
    """A channel or one of its recipients did not take a message.

    `permanent` is what the other side will say the next time too. `retry_after` is the wait it asked for, in
    seconds.
    """

    def __init__(self, sentence: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        """Keep the sentence and what follows from it."""
        super().__init__(sentence)
        self.permanent = permanent
        self.retry_after = retry_after
