"""The failure of a delivery: one sentence without any secret, and whether another try soon may help.

The outbox decides when to try again.
"""

from circleci_cost.errors import CircleciCostError


class NotDelivered(CircleciCostError):
    """A channel or one of its recipients did not take a message.

    `permanent` where the other side would refuse it again. `retry_after` is the wait in seconds that it asked for.
    """

    def __init__(self, sentence: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        """Keep the sentence, and whether and when to try again."""
        super().__init__(sentence)
        self.permanent = permanent
        self.retry_after = retry_after
