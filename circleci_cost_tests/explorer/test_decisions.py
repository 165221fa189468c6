"""Deciding on the page of anomalies: stored once, shown, taken back; what is refused changes nothing."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest

from circleci_cost.explorer.access import Access, networks
from circleci_cost.explorer.pages.anomalies.decide import signed_by
from circleci_cost.model.incidents.decision import Decision, version_of
from circleci_cost_tests.explorer.incident_site import DECISIONS, Visitor, make_folder, usage, visiting

HEADER = "incident,decision,reason,until\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("incidents"), usage())


@pytest.fixture(scope="module")
def shared(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with visiting(published, tmp_path_factory.mktemp("site")) as visitor:
        yield visitor


@pytest.fixture
def visitor(shared: Visitor) -> Visitor:
    """A visitor of a site whose file of decisions is not there yet."""
    (shared.folder / "decisions.csv").unlink(missing_ok=True)
    return shared


def one(visitor: Visitor, status: str = "open") -> str:
    (incident_id,) = visitor.incident_ids(f"status={status}")
    return incident_id


def page_of(visitor: Visitor, incident_id: str) -> str:
    return unescape(visitor.get(f"/anomalies?incident={incident_id}").text)


def test_a_decision_is_stored_once_shown_at_once_and_taken_back(visitor: Visitor) -> None:
    incident_id = one(visitor)
    answer = visitor.decide(incident_id, "expected", "load test", "2026-12-31")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/anomalies?incident={incident_id}")
    assert visitor.decisions == f"{HEADER}{incident_id},expected,load test,2026-12-31\n"
    page = page_of(visitor, incident_id)
    assert "<strong>Expected</strong> until Thu 31 Dec 2026: load test" in page
    assert "It is in <code>decisions.csv</code>: commit that file" in page
    assert incident_id not in visitor.incident_ids("")
    assert visitor.incident_ids("status=expected") == [incident_id]
    assert ",expected,2026-" in visitor.get("/anomalies.csv?status=expected").text
    assert visitor.decide(incident_id, "ignored").status_code == 303
    assert visitor.decisions == f"{HEADER}{incident_id},ignored,,\n"
    assert visitor.decide(incident_id, "none").status_code == 303
    assert visitor.decisions == HEADER
    assert one(visitor) == incident_id
    assert "Nobody has decided about this incident." in page_of(visitor, incident_id)


def test_lines_that_people_wrote_stay_as_they_are(visitor: Visitor) -> None:
    by_hand = 'incident,decision,reason\n"abc", ignored ,"an old one, kept"\n'
    (visitor.folder / "decisions.csv").write_text(by_hand)
    incident_id = one(visitor)
    assert visitor.decide(incident_id, "ignored", "noise").status_code == 303
    assert visitor.decisions == f"{by_hand}{incident_id},ignored,noise\n"


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"token": ""}, {}, 403),
        ({"token": "0" * 96}, {}, 403),
        ({}, {"origin": "https://evil.example"}, 403),
        ({}, {"origin": "null"}, 403),
        ({}, {"sec_fetch_site": "cross-site"}, 403),
        ({}, {"sec_fetch_site": "same-site"}, 403),
        ({"reason": "x" * 70 * 1024}, {}, 413),
        ({"decision": "delete"}, {}, 400),
        ({"decision": ""}, {}, 400),
        ({"incident": "0000000000"}, {}, 400),
        ({"incident": ""}, {}, 400),
        ({"incident": "../../x"}, {}, 400),
        ({"until": "2026-13-01"}, {}, 400),
        ({"until": "tomorrow"}, {}, 400),
        ({"until": "0001-01-01T00:00"}, {}, 400),
        ({"reason": "x" * 10_000}, {}, 400),
        ({"seen": "another"}, {}, 409),
        ({"seen": ""}, {}, 409),
    ],
)
def test_what_is_refused_says_so_and_changes_nothing(
    visitor: Visitor, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    form = visitor.form(one(visitor)) | {"decision": "expected", "reason": "fine", "until": ""}
    answer = visitor.send(form | fields, **headers)
    assert answer.status_code == status
    assert visitor.decisions is None
    assert '<p class="note bad" role="alert">' in answer.text and "<nav" in answer.text
    assert visitor.send(form).status_code == 303


def test_a_change_needs_a_form_that_was_sent(visitor: Visitor) -> None:
    form = visitor.form(one(visitor)) | {"decision": "expected"}
    assert visitor.client.get("/anomalies/decide", params=form).status_code == 405
    assert visitor.client.post("/anomalies/decide", data=form).status_code == 403
    assert visitor.client.post(
        "/anomalies/decide", content=b"\xff\xfe", headers={"origin": visitor.site.origin}
    ).status_code
    assert visitor.decisions is None


def test_a_token_is_good_for_the_server_and_the_user_that_it_was_made_for(published: Path, tmp_path: Path) -> None:
    access = Access(proxies=networks(["127.0.0.1/32"]))
    with visiting(published, tmp_path / "one", access=access, **{"X-Forwarded-User": "ada"}) as ada:
        form = ada.form(one(ada)) | {"decision": "expected", "reason": "load test"}
        assert ada.send(form, **{"X-Forwarded-User": "eve"}).status_code == 403
        assert ada.send(form, **{"X-Forwarded-User": ""}).status_code == 401
        assert ada.decisions is None
        assert ada.send(form).status_code == 303
        assert ada.decisions == f"{HEADER}{form['incident']},expected,load test (by ada),\n"
    with visiting(published, tmp_path / "two", access=access, **{"X-Forwarded-User": "ada"}) as again:
        assert again.send(form).status_code == 403
        assert again.decisions is None


def test_the_name_of_who_decides_ends_the_reason_once() -> None:
    assert signed_by("load test", "ada") == "load test (by ada)"
    assert signed_by("load test (by ada)", "ada") == "load test (by ada)"
    assert signed_by("load test (by ada)", "bob") == "load test (by ada) (by bob)"
    assert signed_by("", "ada") == "(by ada)"
    assert signed_by("load test", "") == "load test"


@pytest.mark.parametrize(
    ("reason", "stored"),
    [
        ('=HYPERLINK("http://x")', '=HYPERLINK("http://x")'),
        ("@sum", "@sum"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("left \u202eright\u200b", "left right"),
        ('a "quote", a comma; <b onclick="x">', 'a "quote", a comma; <b onclick="x">'),
        ("x" * 500, "x" * 500),
        ("\x00\x1b[31mred", "[31mred"),
    ],
)
def test_a_hostile_reason_is_stored_as_one_safe_line_and_shown_as_text(
    visitor: Visitor, reason: str, stored: str
) -> None:
    incident_id = one(visitor)
    assert visitor.decide(incident_id, "expected", reason).status_code == 303
    (row,) = csv.DictReader(io.StringIO(visitor.decisions or ""))
    assert row["reason"].removeprefix("'") == stored
    assert not row["reason"].startswith(("=", "@", "+", "-"))
    text = visitor.get(f"/anomalies?incident={incident_id}").text
    assert "<b onclick" not in text
    assert f"<strong>Expected</strong>: {stored}" in unescape(text)
    # Sent again as the page shows it, it stays the same.
    before = visitor.decisions
    assert visitor.decide(incident_id, "expected", stored).status_code == 303
    assert visitor.decisions == before


def test_a_form_for_an_older_decision_changes_nothing_and_keeps_what_was_typed(visitor: Visitor) -> None:
    incident_id = one(visitor)
    older = visitor.form(incident_id) | {"decision": "ignored", "reason": "my reason", "until": "2026-12-31"}
    assert visitor.decide(incident_id, "expected", "a load test").status_code == 303
    stored = visitor.decisions
    answer = visitor.send(older)
    assert answer.status_code == 409
    assert visitor.decisions == stored
    text = unescape(answer.text)
    assert "Somebody has decided about the incident" in text and "Nothing was changed" in text
    assert "<strong>Expected</strong>: a load test" in text
    assert 'value="my reason"' in text and 'value="2026-12-31"' in text
    # The form that came back has seen the newer decision.
    assert f'name="seen" value="{version_of(Decision("expected", "a load test"))}"' in text


def test_posts_at_once_lose_nothing_and_of_those_for_one_state_one_wins(visitor: Visitor) -> None:
    incident_ids = visitor.incident_ids()
    forms = {incident_id: visitor.form(incident_id) for incident_id in incident_ids}
    posts = [forms[name] | {"decision": "ignored", "reason": f"{number}"} for number in range(4) for name in forms]
    with ThreadPoolExecutor(len(posts)) as pool:
        answers = list(pool.map(visitor.send, posts))
    assert sorted(answer.status_code for answer in answers) == [303, 303, *[409] * 6]
    won = {
        post["incident"]: post["reason"]
        for post, answer in zip(posts, answers, strict=True)
        if answer.status_code == 303
    }
    rows = list(csv.DictReader(io.StringIO(visitor.decisions or "")))
    assert {row["incident"]: row["reason"] for row in rows} == won
    assert sorted(won) == sorted(incident_ids)


@pytest.mark.parametrize(
    ("extra", "content", "sentence"),
    [
        ("", None, 'No file of decisions is configured; add decisions = "decisions.csv" to [anomalies] in '),
        ('[anomalies]\ndecisions = "gone/decisions.csv"\n', None, "gone is not there; make it"),
        (DECISIONS, "incident,decision\nabc,maybe\n", "line 2: 'maybe' is no decision"),
        (DECISIONS, "nonsense", "decisions.csv"),
    ],
)
def test_where_the_file_cannot_be_changed_the_page_says_why_and_has_no_form(
    published: Path, tmp_path: Path, extra: str, content: str | None, sentence: str
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    if content is not None:
        (folder / "decisions.csv").write_text(content)
    with visiting(published, folder, extra=extra) as visitor:
        incident_id = one(visitor)
        page = page_of(visitor, incident_id)
        assert sentence in page
        assert "<form class=" not in page
        assert ('decisions = "decisions.csv"</code>' in page) == (extra == "")
        token = visitor.site.explorer.tokens.make("")
        fields = {"token": token, "incident": incident_id, "decision": "expected", "seen": version_of(None)}
        answer = visitor.send(fields)
        assert answer.status_code in {400, 500}
        assert sentence in unescape(answer.text)
        assert visitor.decisions == content
