"""Forms that change something: sent by a page of this server only, read within limits.

What a form changes is its page's matter; everything else in the explorer only reads.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from circleci_cost.explorer.access import Access, Refused

TOKEN_FIELD = "token"  # noqa: S105 - the name of the form's field
_NONCE_LENGTH = 32
_MOST_BYTES = 64 * 1024
_MOST_FIELDS = 20
_FORM = "application/x-www-form-urlencoded"
_NO_FORM = "This is no form of this page; reload the page and try again."
_OTHER_SITE = "Changes are accepted from pages of this server only; open the page here and try again."
_OLD_PAGE = "This page was made before the server was started again; reload it and try again."


class Tokens:
    """Makes and checks the tokens of forms; a token is valid as long as this server runs, for one user."""

    def __init__(self) -> None:
        """Begin with a new key."""
        self._key = secrets.token_bytes(32)

    def make(self, user: str) -> str:
        """A token. Each one differs: a compressed page with a constant secret could be guessed by its length."""
        nonce = secrets.token_hex(_NONCE_LENGTH // 2)
        return nonce + self._signature(nonce, user)

    def is_valid(self, token: str, user: str) -> bool:
        """Whether the token was made here for this user."""
        nonce, signature = token[:_NONCE_LENGTH], token[_NONCE_LENGTH:]
        return hmac.compare_digest(signature.encode(), self._signature(nonce, user).encode())

    def _signature(self, nonce: str, user: str) -> str:
        return hmac.new(self._key, f"{nonce}\n{user}".encode(), hashlib.sha256).hexdigest()


async def read_form(request: Request, access: Access, tokens: Tokens, user: str) -> Mapping[str, str]:
    """The fields of a form of ours. Raises `Refused` for a form of another site, without a token, or too large."""
    _require_same_origin(request, access)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refused(415, _NO_FORM)
    try:
        fields = dict(
            parse_qsl(await _body(request), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
        )
    except ValueError:
        raise Refused(400, _NO_FORM) from None
    if not tokens.is_valid(fields.get(TOKEN_FIELD, ""), user):
        raise Refused(403, _OLD_PAGE)
    return fields


async def _body(request: Request) -> str:
    """The body as text. A client that sends it slowly is cut off by the connection's own limit."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                raise Refused(413, f"This form is larger than {_MOST_BYTES // 1024} KiB.")
    except ClientDisconnect:
        raise Refused(400, "This form did not arrive as a whole.") from None
    return body.decode()


def _require_same_origin(request: Request, access: Access) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused(403, _OTHER_SITE)
    if not access.is_own(request.headers.get("origin"), request.headers.get("host", "")):
        raise Refused(403, _OTHER_SITE)
