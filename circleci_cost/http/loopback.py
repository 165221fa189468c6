"""Whether a host is this machine itself, and the rule that follows: plain http only to this machine.

The error about an address that breaks the rule is worded where the address is read.
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
