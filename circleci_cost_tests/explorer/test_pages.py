"""What is true of all pages together."""

import httpx

from circleci_cost.config.explorer import VIEW_PAGES
from circleci_cost.explorer.pages import PAGES
from circleci_cost_tests.explorer.serving import Site


def test_a_saved_view_may_name_every_page() -> None:
    assert {page.path for page in PAGES} == {"/", *(f"/{name}" for name in VIEW_PAGES)}


def test_every_page_names_the_state_of_the_data_and_the_saved_views(site: Site) -> None:
    for page in PAGES:
        text = httpx.get(f"{site.origin}{page.path}", timeout=60).text
        for words in ("Data through 2026-03-18", "published 2026-03-19 10:35 UTC", "prices as of 2026-03-19 10:35 UTC"):
            assert words in text, (page.name, words)
        for view in site.settings.explorer.views:
            assert view.name in text, (page.name, view.name)


def test_the_first_page_takes_at_most_ten_requests_and_350_kilobytes(site: Site) -> None:
    with httpx.Client(base_url=site.origin, headers={"accept-encoding": "gzip"}, timeout=60) as client:
        page = client.get("/")
        files = {part.split('"')[0] for part in page.text.split('"/static/')[1:]}
        version = next(iter(files)).split("/")[0]
        modules = {f"{version}/{name}" for name in ("charts.js", "chart_option.js", "chart_paint.js", "chart_words.js")}
        answers = [page, *(client.get(f"/static/{name}") for name in files | modules)]
    assert all(answer.status_code == 200 for answer in answers)
    assert len(answers) <= 10
    assert sum(answer.num_bytes_downloaded for answer in answers) <= 350_000


def test_runs_of_a_period_that_reaches_into_the_future_are_those_of_the_last_days(site: Site) -> None:
    page = httpx.get(f"{site.origin}/runs?from=2026-03-01&to=2026-06-30", timeout=60).text
    assert "Wed 18 Mar 2026" in page
    assert "No job runs" not in page


def test_a_filter_by_charge_type_is_named_as_people_know_it(site: Site) -> None:
    assert "charge type is seats (user)" in httpx.get(f"{site.origin}/?where=charge_type=user", timeout=60).text
