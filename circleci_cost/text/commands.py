"""Commands that sentences and pages name, as they have to be called for the data of the built-in demo.

Who writes the sentences does not know whose data they are about; the ways out do: terminal, explorer and MCP.
"""

import re

# They fetch, compute or send, and use the demo only where --demo asks for it.
WITHOUT_DEMO_UNASKED = ("allocation apply", "backfill", "check", "doctor", "import", "notify", "reprice", "sync")
# They have no use for it.
_NEVER = ("demo", "help", "init", "simulate")
_NAMED = r"(?P<call>(?:`|<code>)circleci-cost) (?=(?:{})\b)"
_SOME = re.compile(_NAMED.format("|".join(WITHOUT_DEMO_UNASKED)))
_ALL = re.compile(_NAMED.format(rf"(?!{'|'.join(_NEVER)})[a-z]+"))


def for_demo(text: str, *, every: bool = False) -> str:
    """The text with --demo in the commands that need it; in `every` one where another configuration would be used."""
    return (_ALL if every else _SOME).sub(r"\g<call> --demo ", text)
