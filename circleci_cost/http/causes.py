"""Why a connection failed, in wording that all callers share; the advice is added by each caller.

httpx and smtplib wrap the system's own error. The text of their errors is never shown: it may hold an address.
"""

import socket
import ssl

NOT_IN_DNS = "cannot be found in the DNS"
NO_CONNECTION = "does not accept connections"


def causes_of(error: BaseException) -> list[BaseException]:
    """The error and the chain of errors that caused it, the newest first."""
    causes: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in causes:
        causes.append(step)
        step = step.__cause__ or step.__context__
    return causes


def refused_certificate(causes: list[BaseException]) -> ssl.SSLCertVerificationError | None:
    """The certificate error among the causes, None where there is none."""
    return next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)


def is_unknown_host(causes: list[BaseException]) -> bool:
    """Whether the host name could not be resolved."""
    return any(isinstance(cause, socket.gaierror) for cause in causes)


def untrusted(refused: ssl.SSLCertVerificationError) -> str:
    """The part of a sentence about a server whose certificate was refused; it follows the server's name."""
    return f"showed a certificate that cannot be trusted ({refused.verify_message})"
