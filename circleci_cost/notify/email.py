"""The channel that is an SMTP server: one mail to all recipients, encrypted as configured or not at all.

What is in the mail is `mail`'s. Recipients that a server refuses do not keep the others from theirs.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from circleci_cost.circleci.wording import one_line
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.mail import as_mail
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.secrets import secret
from circleci_cost.notify.smtp import Deadline
from circleci_cost.regular_files import require_regular_file
from circleci_cost.sections.notifications import EmailChannel

_PERMANENT = 500
_REASON_LENGTH = 120


@dataclass(frozen=True)
class Email:
    """An e-mail channel; `resolve` turns the configuration's paths into those of this machine."""

    section: EmailChannel
    environment: Mapping[str, str] = field(repr=False)
    resolve: Callable[[Path], Path] = field(repr=False)

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.section.name

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses."""
        return self.section.to

    def send(self, envelope: Envelope, recipients: Sequence[str], seconds: float) -> Mapping[str, NotDelivered]:
        """Send one mail to `recipients`; return those that the server refused. Raises `NotDelivered`."""
        section = self.section
        password = secret(section.password_env, self.environment) if section.password_env else ""
        mail = as_mail(envelope, section.from_, section.to)
        server = _Server(section, password, self._tls())
        return server.deliver(mail, recipients, seconds)

    def _tls(self) -> ssl.SSLContext | None:
        if self.section.security == "none":
            return None
        file = self.section.ca_file
        path = self.resolve(file) if file else None
        if path:
            require_regular_file(path, NotDelivered)
        try:
            return ssl.create_default_context(cafile=path)
        except OSError as error:
            reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise NotDelivered(f"The ca_file {path} of channel {self.name!r} cannot be used ({reason}).") from None


class _Server:
    """One conversation with the server; every failure of it becomes a sentence."""

    def __init__(self, section: EmailChannel, password: str, tls: ssl.SSLContext | None) -> None:
        self._section = section
        self._password = password
        self._tls = tls
        self._who = f"The mail server {section.host} (channel {section.name!r})"

    def deliver(self, mail: EmailMessage, recipients: Sequence[str], seconds: float) -> dict[str, NotDelivered]:
        with self._failures(seconds), Deadline(seconds) as deadline:
            try:
                refused = self._converse(mail, recipients, deadline)
            except (OSError, smtplib.SMTPServerDisconnected):
                if deadline.expired:
                    raise TimeoutError from None
                raise
        return {address: self._refused(address, *reply) for address, reply in refused.items()}

    def _converse(
        self, mail: EmailMessage, recipients: Sequence[str], deadline: Deadline
    ) -> dict[str, tuple[int, bytes]]:
        section = self._section
        if self._tls and section.security == "ssl":
            smtp = deadline.connect_tls(section.host, section.effective_port, self._tls)
        else:
            smtp = deadline.connect(section.host, section.effective_port)
        try:
            self._begin(smtp)
            deadline.check()
            return smtp.send_message(mail, section.from_, list(recipients))
        except smtplib.SMTPRecipientsRefused as error:
            # After a 421 the server has not looked at the others.
            unseen = {each: (421, b"closed the connection") for each in recipients if each not in error.recipients}
            return error.recipients | unseen
        finally:
            # The server has the mail or has not; how it says good-bye changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _begin(self, smtp: smtplib.SMTP) -> None:
        section = self._section
        if section.security == "starttls":
            try:
                smtp.starttls(context=self._tls)
            except smtplib.SMTPNotSupportedError:
                raise NotDelivered(
                    f"{self._who} does not offer STARTTLS; nothing was sent to it, neither mail nor password. Use its "
                    'encrypted port (security = "ssl"), or ask who runs it.'
                ) from None
        if section.username is not None:
            try:
                smtp.login(section.username, self._password)
            except UnicodeEncodeError:
                raise NotDelivered(
                    f"The user name or the password in {section.password_env} holds characters beyond ASCII, which "
                    "SMTP cannot send; change it."
                ) from None

    @contextmanager
    def _failures(self, seconds: float) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise NotDelivered(
                f"{self._who} refused the user name or the password in {self._section.password_env} "
                f"({error.smtp_code}); correct them.",
                permanent=error.smtp_code >= _PERMANENT,
            ) from None
        except smtplib.SMTPSenderRefused as error:
            said = self._said(error.smtp_code, error.smtp_error)
            raise self._failure(f"refused the sender {self._section.from_}: {said}", error.smtp_code) from None
        except smtplib.SMTPResponseException as error:
            said = self._said(error.smtp_code, error.smtp_error)
            raise self._failure(f"refused the mail: {said}", error.smtp_code) from None
        except smtplib.SMTPServerDisconnected:
            raise self._failure("broke the connection off") from None
        except smtplib.SMTPNotSupportedError:
            raise self._failure("offers no login; leave username and password_env out, or use another port") from None
        except smtplib.SMTPException:
            raise self._failure("does not speak SMTP as it should") from None
        except ssl.SSLCertVerificationError as error:
            raise self._failure(
                f"showed a certificate that cannot be trusted ({error.verify_message}); for a certificate authority "
                "of your own set ca_file"
            ) from None
        except ssl.SSLError:
            raise self._failure(
                f'does not speak TLS on port {self._section.effective_port}; check port and security ("starttls" is '
                'mostly 587, "ssl" 465)'
            ) from None
        except socket.gaierror:
            raise self._failure("cannot be found in the DNS; check host and the network") from None
        except TimeoutError:
            raise self._failure(f"did not take the mail within {seconds:g} s") from None
        except OSError:
            raise self._failure("does not accept connections; check host, port and the network") from None

    def _failure(self, reason: str, code: int = 0) -> NotDelivered:
        return NotDelivered(f"{self._who} {reason}.", permanent=code >= _PERMANENT)

    def _refused(self, address: str, code: int, said: bytes) -> NotDelivered:
        return self._failure(f"refused the recipient {address}: {self._said(code, said)}", code)

    def _said(self, code: int, said: bytes | str) -> str:
        text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else said
        # A server that quotes the password back at us would put it into the message.
        text = text.replace(self._password, "***") if self._password else text
        return f"{code} {one_line(text)[:_REASON_LENGTH]}".rstrip(" .")
