"""Why a connection failed, in the words that all conversations share; what helps against it is each caller's.

httpx and smtplib hide the system's own error behind theirs, whose text is never shown: it may hold an address.
"""

import socket
import ssl

NOT_IN_DNS = "cannot be found in the DNS"
NO_CONNECTION = "does not accept connections"


def causes_of(error: BaseException) -> list[BaseException]:
    """The error itself and what led to it, the newest first."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = step.__cause__ or step.__context__
    return found


def refused_certificate(causes: list[BaseException]) -> ssl.SSLCertVerificationError | None:
    """The refusal of a certificate among the causes, if there is one."""
    return next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)


def is_unknown_host(causes: list[BaseException]) -> bool:
    """Whether the DNS did not know the host."""
    return any(isinstance(cause, socket.gaierror) for cause in causes)


def untrusted(refused: ssl.SSLCertVerificationError) -> str:
    """What somebody did whose certificate was refused."""
    return f"showed a certificate that cannot be trusted ({refused.verify_message})"
