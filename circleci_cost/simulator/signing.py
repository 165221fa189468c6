"""Signed download paths: each one is new, states when it expires, and is the only credential.

`app` finds the file behind a path; the signature is never logged.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import parse_qs


class UrlSigner:
    """Mints and checks `?expires=…&signature=…` for paths, with a key of its own."""

    def __init__(self, valid_for: timedelta = timedelta(hours=36)) -> None:
        self.valid_for = valid_for
        self._key = secrets.token_bytes(32)

    def sign(self, path: str, now: datetime) -> str:
        """Return the path with a fresh query."""
        expires = int((now + self.valid_for).timestamp())
        nonce = secrets.token_hex(8)
        return f"{path}?expires={expires}&signature={nonce}{self._digest(path, expires, nonce)}"

    def verdict(self, path: str, query: str, now: datetime) -> str | None:
        """Return None for a good URL, else the error code of an object store."""
        values = parse_qs(query)
        expires, signature = values.get("expires", [""])[0], values.get("signature", [""])[0]
        if not expires.isdigit() or not signature:
            return "AccessDenied"
        expected = signature[:16] + self._digest(path, int(expires), signature[:16])
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return "SignatureDoesNotMatch"
        return "RequestExpired" if now.timestamp() > int(expires) else None

    def _digest(self, path: str, expires: int, nonce: str) -> str:
        """Return the keyed digest of everything that a URL promises."""
        return hmac.new(self._key, f"{path}\n{expires}\n{nonce}".encode(), "sha256").hexdigest()
