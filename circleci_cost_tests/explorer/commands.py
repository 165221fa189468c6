"""What a command says as JSON, called in this process: pages have to show the same."""

import io
import json
from contextlib import redirect_stdout
from typing import Any

from circleci_cost.cli.main import run
from circleci_cost.clock import Clock


def answer_of(*arguments: str, clock: Clock | None = None) -> dict[str, Any]:
    """Return the answer to a command with `--json` in the present folder; it may be partial, and not fail."""
    written = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(written):
        assert run(list(arguments), clock) in {0, 5}
        written.flush()
    answer: dict[str, Any] = json.loads(written.buffer.getvalue())
    return answer
