"""Recognizes text that looks like a secret, wherever it was pasted, so that no message repeats it.

The sections say which keys hold secrets; `sections.mistakes` keeps their values out of messages.
"""

import re

_HIDDEN = "(hidden)"
# How the secrets of CircleCI, GitHub, GitLab, Slack, OpenAI, AWS and signed webhooks begin. CircleCI's old tokens are
# 40 hex digits; 40 decimal digits are a number. A prefix that also ends ordinary words needs a boundary before it, and
# one that also begins names needs a long mix after it: task-scheduler, insights_dashboard and sk-team are names.
_START = r"(?<![0-9A-Za-z])"
_RANDOM = r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20,}"
_SHAPES = (
    r"(?:CCIPAT|CCIPRJ|whsec|github_pat)_[A-Za-z0-9_+/=-]{6,}"
    rf"|{_START}gh[oprsu]_{_RANDOM}|{_START}sk-(?:[A-Za-z0-9]+[_-]){{0,3}}{_RANDOM}[A-Za-z0-9_-]*"
    rf"|{_START}(?:xox[a-z]|xapp|glpat)-[A-Za-z0-9_-]{{8,}}"
    rf"|\bA[KS]IA[0-9A-Z]{{16}}\b|{_START}(?![0-9]{{40}})[0-9a-fA-F]{{40}}(?![0-9A-Za-z])"
    r"|https?://hooks\.slack\.com/[^\s'\"]+|https?://[^\s/'\"]+/(?:[\w.-]+/){0,3}webhookb?[^\s'\"]*"
    # Stops at the next address: otherwise a text of many addresses takes time quadratic in its length.
    r"|https?://(?:(?!https?://)[^\s'\"])*[?&]sig=[^\s'\"]*"
)
_TOKENS = re.compile(_SHAPES)
_ENTROPY_LENGTH = 16
_ENTROPY_DIGITS = 4
_LONGEST_NAME = 100


def without_secrets(text: str) -> str:
    """The text with every certain token or secret address replaced by `(hidden)`."""
    return _TOKENS.sub(_HIDDEN, text)


def looks_secret(value: str) -> bool:
    """Whether a value that should be a name is more likely a secret: a token, an address, or a long mix of digits."""
    if _TOKENS.search(value) or "://" in value or len(value) > _LONGEST_NAME:
        return True
    return any(_is_random(run) for run in re.findall(rf"[A-Za-z0-9+/=]{{{_ENTROPY_LENGTH},}}", value))


def _is_random(run: str) -> bool:
    digits = sum(character.isdigit() for character in run)
    mixed = run.lower() != run and run.upper() != run
    return digits >= _ENTROPY_DIGITS or (mixed and digits > 0)
