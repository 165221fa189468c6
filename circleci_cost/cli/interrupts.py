"""Ctrl-C, and a service manager's stop, as a `KeyboardInterrupt` that is neither lost nor leaves a lock taken.

Python and libraries do not pass it on from wherever it is raised. A compiled library catches it while it is imported,
which some are late in a command, and some go on as if nothing had been asked. Python ignores it in what it calls when
an object ends, and where a lock is being taken, the lock stays taken for ever. In these places it waits. DuckDB words
it as an error of its own, or answers neither that nor any later signal: then the process is ended from a thread.
"""

import _weakrefset
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import FrameType

_IMPORT = "<frozen importlib._bootstrap>"
_CALLBACKS = {_weakrefset.__file__, weakref.__file__}
_AGAIN_SECONDS = 0.02
_PATIENCE_SECONDS = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Main:
    """What the main thread has done about signals. Plain attributes: a lock could be taken when the next one comes."""

    raised = False
    waits = False
    probed = 0


def raise_on_signals(end: Callable[[], object]) -> None:
    """Have SIGINT and SIGTERM raise `KeyboardInterrupt` in the main thread, as soon as it is passed on from there.

    Where the main thread does not react within some seconds, `end` is called in another one; it has to end the process.
    A SIGINT that whoever started us has told to ignore stays ignored.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(read, end), name="interrupts", daemon=True).start()
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    # A service manager's stop is a Ctrl-C: temporary files go, runs end as canceled.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGALRM, _look_again)


def was_interrupted() -> bool:
    """Whether one of the signals has been raised: an error since then may be all that is left of it."""
    return _Main.raised


def _interrupt(_number: int, frame: FrameType | None) -> None:
    _Main.waits = _takes_a_lock(frame) or any(map(_swallows, _frames(frame)))
    if _Main.waits:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        return
    _Main.raised = True
    raise KeyboardInterrupt


def _look_again(number: int, frame: FrameType | None) -> None:
    _Main.probed += 1
    if _Main.waits:
        _interrupt(number, frame)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _takes_a_lock(frame: FrameType | None) -> bool:
    """Whether `with` is taking or releasing a lock: until `__enter__` has returned, nothing would release it."""
    code = frame and frame.f_code
    return code is not None and code.co_filename == threading.__file__ and code.co_name in {"__enter__", "__exit__"}


def _swallows(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_filename == _IMPORT or code.co_filename in _CALLBACKS or code.co_name == "__del__"


def _watch(signals: int, end: Callable[[], object]) -> None:
    """Call `end` some seconds after a signal if the main thread runs no Python any more, as within a query."""
    while number := os.read(signals, 1):
        if number[0] not in _SIGNALS:
            continue
        time.sleep(_PATIENCE_SECONDS)
        before = _Main.probed
        os.kill(os.getpid(), signal.SIGALRM)
        time.sleep(_PATIENCE_SECONDS)
        if _Main.probed == before:
            end()
