"""Ctrl-C, and a service manager's stop, as a `KeyboardInterrupt` that is neither lost nor leaves a lock taken.

Python and libraries do not pass it on from wherever it is raised. Compiled libraries catch it while they are imported,
which some are late in a command, and pydantic while it validates: some go on as if nothing had been asked. Python
ignores it in what it calls when an object ends, and where a lock is taken or released, the lock leaks. It waits there,
or comes again. DuckDB words it as an error of its own, or answers neither that nor any later signal: then the process
is ended from a thread.
"""

import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

_IMPORT = "<frozen importlib._bootstrap>"
_PYDANTIC = f"{os.sep}pydantic{os.sep}"
_LOCKING = {threading.__file__, logging.__file__}
_AGAIN_SECONDS = 0.02
_PATIENCE_SECONDS = 3
# What ends runs as canceled may wait for a database, SQLite for up to 30 s.
_TIDYING_SECONDS = 40
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    sys.unraisablehook = _once_more


def let_go() -> None:
    """Stop looking at signals, once a command has ended: from now on they end the process as they end any other."""
    for number in (signal.SIGALRM, *_SIGNALS):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_IGN if number == signal.SIGALRM else signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0)


def was_interrupted() -> bool:
    """Whether one of the signals has been raised: an error since then may be all that is left of it."""
    return _Main.raised


def _interrupt(_number: int, frame: FrameType | None) -> None:
    while frame is not None and frame.f_code.co_filename == __file__:
        # One signal within the other.
        frame = frame.f_back
    _Main.waits = _has_a_lock_in_hand(frame) or _is_swallowed(frame)
    if _Main.waits:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    elif not _Main.raised and isinstance(sys.exc_info()[1], KeyboardInterrupt):
        # Polars has raised its own already, and this would cut short what is tidied up after that.
        _Main.raised = True
    else:
        _Main.raised = True
        raise KeyboardInterrupt


def _look_again(number: int, frame: FrameType | None) -> None:
    _Main.probed += 1
    if _Main.waits:
        _interrupt(number, frame)


def _once_more(unraisable: "sys.UnraisableHookArgs") -> None:
    if isinstance(unraisable.exc_value, KeyboardInterrupt) and _Main.raised:
        _Main.waits = True
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)


def _has_a_lock_in_hand(frame: FrameType | None) -> bool:
    """Whether Python is between taking a lock and being bound to release it, or the other way round."""
    if frame is None or frame.f_code.co_filename not in _LOCKING:
        return False
    # These wait for others, which may last.
    waiting = frame.f_code.co_name == "wait" and "saved_state" in frame.f_locals
    return not (waiting or frame.f_code.co_name in {"join", "_wait_for_tstate_lock"})


def _is_swallowed(frame: FrameType | None) -> bool:
    """Whether a library of compiled code may catch it: while modules are imported, or pydantic validates."""
    while frame is not None and frame.f_code.co_filename != _IMPORT and _PYDANTIC not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def _watch(signals: int, end: Callable[[], object]) -> None:
    """Call `end` some seconds after a signal if the main thread has run no Python since, as within a query."""
    probed: int | None = None
    deadline: float | None = None
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if select.select([signals], [], [], left)[0]:
            if os.read(signals, 1)[0] in _SIGNALS:
                # At once, for a system call that Polars has go on after a Ctrl-C.
                os.kill(os.getpid(), signal.SIGALRM)
                probed, deadline = None, time.monotonic() + _PATIENCE_SECONDS
        elif probed is None:
            probed = _Main.probed
            deadline = time.monotonic() + (_TIDYING_SECONDS if _Main.raised else _PATIENCE_SECONDS)
            os.kill(os.getpid(), signal.SIGALRM)
        elif _Main.probed == probed:
            end()
        else:
            probed = deadline = None
