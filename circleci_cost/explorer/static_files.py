"""Styles and scripts, read once and served from memory, under an address that changes with their content."""

import base64
import gzip
import hashlib
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


class StaticFiles:
    """The files of `static/`; browsers ask for each once, until one of them changes."""

    def __init__(self) -> None:
        """Read them all."""
        self._files = dict(_read(resources.files("circleci_cost.explorer") / "static", ""))
        self._compressed: dict[str, bytes] = {}

    @cached_property
    def version(self) -> str:
        """A name for the contents of all files."""
        digest = hashlib.sha256()
        for name, content in sorted(self._files.items()):
            digest.update(f"{name}\n{len(content)}\n".encode() + content)
        return digest.hexdigest()[:16]

    def address(self, name: str) -> str:
        """The address of a file. Raises `KeyError` for one that does not exist."""
        self._files[name]
        return f"/static/{self.version}/{name}"

    def within_page(self, name: str) -> str:
        """A small picture as an address that holds it: it costs no request."""
        ending = name[name.rindex(".") :]
        return f"data:{_TYPES[ending]};base64,{base64.b64encode(self._files[name]).decode()}"

    def answer(self, request: Request) -> Response:
        """The file that was asked for, compressed where the browser takes that."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            return PlainTextResponse("There is no such file.", 404)
        is_current = request.path_params["version"] == self.version
        headers = {"Cache-Control": _FOR_A_YEAR if is_current else "no-cache", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            content = self._compressed.setdefault(name, gzip.compress(content, mtime=0))
            headers["Content-Encoding"] = "gzip"
        ending = name[name.rindex(".") :]
        return Response(content, headers=headers, media_type=_TYPES[ending])


def _read(folder: Traversable, path: str) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            files += _read(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(tuple(_TYPES)):
            files.append((path + entry.name, entry.read_bytes()))
    return files
