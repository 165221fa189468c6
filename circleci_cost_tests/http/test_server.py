"""A server in a thread: how it starts and ends. What it answers is tested with the simulator and the explorer."""

import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

import pytest
from starlette.applications import Starlette

from circleci_cost.http.server import ThreadedServer

NAME = "interrupted-server"


class InterruptAt:
    """A trace function of one thread that raises `KeyboardInterrupt` at the nth step of a start, or of its waiting."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        function = frame.f_code.co_qualname
        if (function, event) in {("ThreadedServer.start", "line"), ("Event.wait", "call")}:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self if function == "ThreadedServer.start" else None


def start(server: ThreadedServer, step: int) -> bool:
    """Start it with a Ctrl-C at some step; return whether it got as far."""
    former = sys.gettrace()
    sys.settrace(InterruptAt(step))
    try:
        server.start()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(former)
    return False


def test_a_start_that_is_interrupted_anywhere_can_be_stopped() -> None:
    step = 1
    while True:
        server = ThreadedServer(Starlette(), "127.0.0.1", 0, NAME)
        interrupted = start(server, step)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 9, step
        if not interrupted:
            break
        step += 1
    assert step > 20
    deadline = time.monotonic() + 60
    while NAME in {thread.name for thread in threading.enumerate()}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=60)
