"""The Chromium of this machine: which one it is, how it is started, and what is said where there is none.

Nothing is ever downloaded. What the tests do in it belongs to `browsing`.
"""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright

VARIABLE = "CIRCLECI_COST_CHROMIUM"
# The headless shell first: it has no windows of its own to draw, and takes a third of the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Names resolve to nothing: a page that asks for another host is found out without a word to that host.
_ARGUMENTS = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "--disable-quic")


class NoBrowserError(Exception):
    """There is no Chromium here, or it does not start; the sentence says which."""


class WrongBrowserError(Exception):
    """The variable names a browser that cannot be used: a mistake, not a lack."""


def find_chromium() -> Path:
    """The program that the variable names, else the first of `NAMES` on the path.

    Raises `WrongBrowserError` where the variable names no program, `NoBrowserError` where nothing is found.
    """
    if named := os.environ.get(VARIABLE):
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise WrongBrowserError(f"{VARIABLE} names {named}, which is no program; correct or unset it.")
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise NoBrowserError(f"none of {', '.join(NAMES)} is on the PATH")


def launch(playwright: Playwright) -> Browser:
    """Start a browser without windows.

    Raises as `find_chromium` does, and the same errors where the program does not start.
    """
    program = find_chromium()
    try:
        return playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
    except Error as error:
        sentence = f"{program} does not start: {error.message.splitlines()[0]}"
        raise (WrongBrowserError if os.environ.get(VARIABLE) else NoBrowserError)(sentence) from error
