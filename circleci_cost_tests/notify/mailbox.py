"""A real SMTP server that keeps the mails it accepts and refuses what a test asks it to."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

CERTIFICATE = Path(__file__).with_name("localhost.pem")
USER, PASSWORD = "ci-cost", "canary-smtp-password"


class Mailbox:
    """An SMTP server with STARTTLS and a login, with TLS from the first byte, or with neither."""

    def __init__(self, *, starttls: bool = True, tls: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.refused: dict[str, str] = {}
        self.data_answer = "250 OK"
        self.on_data: Callable[[], None] = lambda: None
        self.logins: list[tuple[str, str]] = []
        options: dict[str, Any] = {"ssl_context": server_tls()} if tls else {}
        if starttls:
            options = {"tls_context": server_tls(), "require_starttls": True}
            options |= {"authenticator": self._authenticate, "auth_required": True}
        self._controller = _Controller(self, hostname="127.0.0.1", port=0, ready_timeout=60, **options)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == (USER, PASSWORD), handled=False)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        """Accept or refuse one recipient."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        """Accept or refuse a mail."""
        if self.data_answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            parsed = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
            self.on_data()
        return self.data_answer

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


class _Controller(Controller):
    """Takes a free port; the first connection of aiosmtpd's own start is to that one."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def server_tls() -> ssl.SSLContext:
    """The TLS context of a server on this machine, with `CERTIFICATE`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
