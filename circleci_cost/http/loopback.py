"""Whether a host is this machine itself, and the rule that hangs on it: in the open only to this machine.

What is said about an address that breaks the rule is its reader's.
"""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or its address."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def keeps_secrets(scheme: str, host: str) -> bool:
    """Whether a token or a secret address may be sent there: over https, or over http that stays on this machine."""
    return scheme == "https" or (scheme == "http" and is_loopback(host))
