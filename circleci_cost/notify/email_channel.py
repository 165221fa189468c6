"""The channel that is an SMTP server: one mail to all recipients, encrypted as configured or not at all.

`mail_message` writes the mail. A recipient that the server refuses does not keep the others from getting it.
"""

import binascii
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from circleci_cost.config.notifications import EmailChannel
from circleci_cost.http.causes import NO_CONNECTION, NOT_IN_DNS, untrusted
from circleci_cost.named_files.regular_files import require_regular_file
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.mail_message import as_mail
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.secrets import secret
from circleci_cost.notify.server_words import server_words
from circleci_cost.notify.smtp import CONNECT, Deadline, Reply, ReplyTooLongError

_REFUSED, _PERMANENT = 400, 500
_WRONG_LOGIN = 535
_LOGINS = {"CRAM-MD5", "LOGIN", "PLAIN"}
_NAMES = {"MAIL": "MAIL FROM", "RCPT": "RCPT TO", "HELO": "the greeting (HELO)", "EHLO": "the greeting (EHLO)"}


@dataclass(frozen=True)
class Email:
    """An e-mail channel; `resolve` resolves paths of the configuration."""

    section: EmailChannel
    environment: Mapping[str, str] = field(repr=False)
    resolve: Callable[[Path], Path] = field(repr=False)

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.section.name

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses that the mail goes to."""
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
    """One conversation with the server; every failure becomes a sentence."""

    def __init__(self, section: EmailChannel, password: str, tls: ssl.SSLContext | None) -> None:
        self._section = section
        self._password = password
        self._tls = tls
        self._who = f"The mail server {section.host} (channel {section.name!r})"

    def deliver(self, mail: EmailMessage, recipients: Sequence[str], seconds: float) -> dict[str, NotDelivered]:
        deadline = Deadline(seconds, self._section.greets_as)
        with self._failures(deadline, seconds), deadline:
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
            self._begin(smtp, deadline)
            deadline.check()
            return smtp.send_message(mail, section.from_, list(recipients))
        except smtplib.SMTPRecipientsRefused as error:
            # After a 421 the server has not looked at the others.
            last = deadline.replies[-1]
            unseen = {address: (last.code, last.words) for address in recipients if address not in error.recipients}
            return error.recipients | unseen
        finally:
            # Whether the server has the mail is settled; the good-bye does not change it.
            with suppress(OSError, ReplyTooLongError):
                smtp.quit()
            smtp.close()

    def _begin(self, smtp: smtplib.SMTP, deadline: Deadline) -> None:
        section = self._section
        if section.security == "starttls":
            try:
                smtp.starttls(context=self._tls)
            except smtplib.SMTPNotSupportedError:
                greeting = next((reply for reply in deadline.replies if reply.stage == "EHLO"), None)
                if greeting and greeting.code >= _REFUSED:
                    raise self._refusal(greeting) from None
                raise NotDelivered(
                    f"{self._who} does not offer STARTTLS; nothing was sent to it, neither mail nor password. Use its "
                    'encrypted port (security = "ssl"), or ask who runs it.'
                ) from None
        if section.username is not None:
            try:
                self._require_login(smtp)
                smtp.login(section.username, self._password)
            except UnicodeEncodeError:
                raise NotDelivered(
                    f"The user name or the password in {section.password_env} holds characters beyond ASCII, which "
                    "SMTP cannot send; change it."
                ) from None

    def _require_login(self, smtp: smtplib.SMTP) -> None:
        """Raise where `smtplib` knows none of the logins that the server offers; its own error does not name them."""
        smtp.ehlo_or_helo_if_needed()
        offered = smtp.esmtp_features.get("auth", "").split()
        if offered and _LOGINS.isdisjoint(offered):
            raise self._failure(
                f"offers no login with a password ({', '.join(sorted(_LOGINS))}), only "
                f"{server_words(' '.join(offered).encode())}; use another port or server, or have one of these allowed"
            )

    @contextmanager
    def _failures(self, deadline: Deadline, seconds: float) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError:
            # Of several refused ways to log in, quote the one that names a wrong login.
            refusals = [reply for reply in deadline.replies if reply.stage == "AUTH" and reply.code >= _REFUSED]
            wrong_login = next((reply for reply in refusals if reply.code == _WRONG_LOGIN), refusals[-1])
            raise self._refusal(wrong_login) from None
        except smtplib.SMTPResponseException as error:
            words = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
            same = (reply for reply in reversed(deadline.replies) if reply[1:] == (error.smtp_code, words))
            stage = next((reply.stage for reply in same), "")
            raise self._refusal(Reply(stage, error.smtp_code, words)) from None
        except smtplib.SMTPServerDisconnected:
            last = deadline.replies[-1] if deadline.replies else None
            # A refused recipient does not explain why the others failed.
            if last and last.code >= _REFUSED and last.stage != "RCPT":
                raise self._refusal(last) from None
            raise self._failure(f"broke the connection off{self._after(deadline)}") from None
        except smtplib.SMTPNotSupportedError:
            raise self._failure("offers no login; leave username and password_env out, or use another port") from None
        except ReplyTooLongError:
            raise self._failure("does not speak SMTP as it should: it answers without an end") from None
        except (smtplib.SMTPException, binascii.Error):
            raise self._failure(f"does not speak SMTP as it should{self._after(deadline)}") from None
        except ssl.SSLCertVerificationError as error:
            raise self._failure(f"{untrusted(error)}; for a certificate authority of your own set ca_file") from None
        except ssl.SSLError:
            raise self._failure(
                f'does not speak TLS on port {self._section.effective_port}; check port and security ("starttls" is '
                'mostly 587, "ssl" 465)'
            ) from None
        except socket.gaierror:
            raise self._failure(f"{NOT_IN_DNS}; check host and the network") from None
        except TimeoutError:
            raise self._failure(f"did not take the mail within {seconds:g} s") from None
        except OSError:
            raise self._failure(f"{NO_CONNECTION}; check host, port and the network") from None

    def _failure(self, reason: str, code: int = 0) -> NotDelivered:
        return NotDelivered(f"{self._who} {reason}.", permanent=code >= _PERMANENT)

    def _refused(self, address: str, code: int, words: bytes) -> NotDelivered:
        return self._failure(f"refused the recipient {address}: {self._quoted(code, words)}", code)

    def _refusal(self, reply: Reply) -> NotDelivered:
        """The failure for a reply that refuses something, with the server's own words."""
        quoted = self._quoted(reply.code, reply.words)
        if reply.stage == "AUTH" and reply.code == _WRONG_LOGIN:
            variable = self._section.password_env
            what = f"refused the user name or the password in {variable} ({quoted}); correct them"
        elif reply.stage == "AUTH":
            what = f"refused the login: {quoted}"
        elif reply.stage == "MAIL":
            what = f"refused the sender {self._section.from_}: {quoted}"
        elif reply.stage in {"EHLO", "HELO"}:
            what = f"refused the name {self._section.greets_as} in {_name(reply.stage)}: {quoted}"
        elif reply.stage in {CONNECT, "STARTTLS"}:
            what = f"refused the {reply.stage}: {quoted}".replace("the STARTTLS", "STARTTLS")
        else:
            what = f"refused the mail: {quoted}"
        return self._failure(what, reply.code)

    def _after(self, deadline: Deadline) -> str:
        """The words for the last reply before the conversation ended."""
        if not deadline.replies:
            return ""
        stage, code, words = deadline.replies[-1]
        return f" after its answer to {_name(stage)}: {self._quoted(code, words)}"

    def _quoted(self, code: int, words: bytes) -> str:
        shown = server_words(words, self._password, self._section.username or "")
        return (f"{code} {shown}" if code >= 0 else shown).rstrip(" .")


def _name(stage: str) -> str:
    return _NAMES.get(stage, f"the {stage}" if stage.islower() else stage)
