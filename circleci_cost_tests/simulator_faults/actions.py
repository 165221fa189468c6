"""Injected answers: well-formed HTTP that says something else than the API would.

Broken files are `damage`'s, broken connections `connection_actions`'.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from circleci_cost.simulator.exchange import Exchange
from circleci_cost_tests.simulator_faults.conversation import Answer, Conversation

Json = dict[str, object]

HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body>maintenance</body></html>\n"


@dataclass(frozen=True)
class Respond:
    """Answers in the app's stead; the app never sees the request. `body` is bytes or a JSON value."""

    status: int
    body: bytes | Json | list[object] = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return what the log calls it."""
        return f"respond {self.status}"

    async def apply(self, exchange: Exchange) -> None:
        """Send the answer."""
        conversation = Conversation(exchange)
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        media_type = None if isinstance(self.body, bytes) else "application/json"
        headers = tuple((key.lower(), value) for key, value in self.headers.items())
        await conversation.send(Answer(self.status, headers, b"").with_body(body, media_type))


@dataclass(frozen=True)
class Change:
    """Lets the app do its work and changes its answer."""

    name: str
    change: Callable[[Answer], Answer]

    async def apply(self, exchange: Exchange) -> None:
        """Send the changed answer."""
        conversation = Conversation(exchange)
        await conversation.send(self.change(await conversation.answer()))


def change_json(name: str, change: Callable[[Json], object]) -> Change:
    """Change the JSON object of an answer to what `change` returns for it."""

    def changed(answer: Answer) -> Answer:
        return answer.with_body(json.dumps(change(json.loads(answer.body))).encode(), "application/json")

    return Change(name, changed)


def rate_limited(retry_after: str | None = None, headers: Mapping[str, str] | None = None) -> Respond:
    """Answer 429; `retry_after` is sent as it is: seconds, an HTTP date, garbage, or not at all."""
    wait = {} if retry_after is None else {"Retry-After": retry_after}
    return Respond(429, {"message": "Rate limit exceeded."}, {**wait, **(headers or {})})


def html_page(status: int = 200) -> Respond:
    """Answer with an HTML page."""
    return Respond(status, HTML_PAGE, {"Content-Type": "text/html; charset=utf-8"})


def xml_page(status: int = 200) -> Respond:
    """Answer with an object store's XML, the status notwithstanding."""
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code></Error>'
    return Respond(status, body, {"Content-Type": "application/xml"})


def expired_url() -> Respond:
    """Answer as an object store does once a URL's time is over."""
    body = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    )
    return Respond(403, body, {"Content-Type": "application/xml"})


def large_body(size: int = 5_000_000) -> Change:
    """Blow the JSON object up with a field of `size` bytes."""
    return change_json(f"body of {size} bytes", lambda value: value | {"padding": "x" * size})


def broken_json() -> Change:
    """Cut the JSON off in the middle."""
    return Change("broken JSON", lambda answer: answer.with_body(answer.body[: len(answer.body) // 2]))


def without_field(name: str) -> Change:
    """Leave a field out."""
    return change_json(f"without {name}", lambda value: {k: v for k, v in value.items() if k != name})


def null_field(name: str) -> Change:
    """Set a field to null."""
    return change_json(f"{name} null", lambda value: value | {name: None})


def failed_export(reason: str | None = "Internal error") -> Change:
    """Say that the export failed, for a reason or for none."""
    rest = {} if reason is None else {"error_reason": reason}
    return change_json("failed", lambda value: value | {"state": "failed", "download_urls": None} | rest)


def in_state(state: str) -> Change:
    """Say that the export is in some state, known or not, without URLs."""
    return change_json(f"state {state}", lambda value: value | {"state": state, "download_urls": None})


def completed_without_urls(urls: list[object] | None = None) -> Change:
    """Say that the export is completed but give null, or an empty list, for URLs."""
    return change_json("completed without URLs", lambda v: v | {"state": "completed", "download_urls": urls})


def gone() -> Respond:
    """Say that the job does not exist."""
    return Respond(404, {"message": "Usage export not found."})


def redirect(location: str, status: int = 302) -> Respond:
    """Send the client elsewhere."""
    return Respond(status, b"", {"Location": location})


def change_urls(name: str, change: Callable[[list[str]], list[str]]) -> Change:
    """Change the list of download URLs, where there is one."""

    def changed(value: Json) -> Json:
        urls = value.get("download_urls")
        return value | {"download_urls": change(list(urls))} if isinstance(urls, list) else value

    return change_json(name, changed)


def duplicate_url() -> Change:
    """Name the first URL twice."""
    return change_urls("duplicate URL", lambda urls: [*urls[:1], *urls])


def shuffled_urls(seed: int = 1) -> Change:
    """Give the parts in another order, never in the same."""

    def shuffled(urls: list[str]) -> list[str]:
        other = list(urls)
        while len(urls) > 1 and other == urls:
            random.Random(seed).shuffle(other)
            if other == urls:
                other.reverse()
        return other

    return change_urls("shuffled URLs", shuffled)


def foreign_urls(origin: str) -> Change:
    """Move all URLs to another scheme and host: `https://evil.example`, `http://169.254.169.254`."""

    def moved(urls: list[str]) -> list[str]:
        return [url.replace("{0.scheme}://{0.netloc}".format(urlsplit(url)), origin, 1) for url in urls]

    return change_urls("foreign URLs", moved)


def climbing_urls() -> Change:
    """Put `../` into the paths of the URLs."""
    return change_urls(
        "climbing URLs", lambda urls: [url.replace("/download/", "/download/../../etc/", 1) for url in urls]
    )
