"""The form of sentences, whatever they say. Which words count things is in `units`."""


def sentence_case(text: str) -> str:
    """A text with a capital at its beginning; the case of the others is that of names and stays."""
    return text[:1].upper() + text[1:]
