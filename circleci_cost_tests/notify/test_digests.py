"""What digests say of waste and resource classes: whose jobs, which days, and nothing where there is nothing."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency.class_verdicts import verdicts
from circleci_cost.model.usage import restatements
from circleci_cost.notify.mail_message import as_mail
from circleci_cost.notify.messages import Envelope, Key, Notice
from circleci_cost.notify.occasions import occasions
from circleci_cost.notify.outbox import Outbox, outbox_path
from circleci_cost.notify.plain import as_text
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.efficiency.waste import write_waste
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import configuration, copied, publish_rows
from circleci_cost_tests.model.efficiency.class_days import days as class_days
from circleci_cost_tests.model.efficiency.test_advice import advice, usage
from circleci_cost_tests.warehouse_tables import edit_generation, publish_tables, tables_to_publish

SUNDAY = date(2026, 3, 15)
NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
# Each 1,000 credits are $0.60.
ROWS: list[dict[str, Any]] = [
    {"date": SUNDAY - WEEK, "project": "web", "job": "test", "branch": "failed", "compute": 1000},
    {"date": SUNDAY - WEEK, "project": "api", "job": "lint", "branch": "main", "compute": 9000},
    {"date": SUNDAY, "project": "web", "job": "test", "branch": "failed", "compute": 2000},
    {"date": SUNDAY, "project": "web", "job": "test", "branch": "main", "compute": 2000},
    {"date": SUNDAY, "project": "web", "job": "e2e", "branch": "canceled", "compute": 4000},
    {"date": SUNDAY, "project": "web", "job": "e2e", "branch": "main", "compute": 7000},
    {"date": SUNDAY, "project": "web", "job": "build", "branch": "main", "compute": 1000},
    {"date": SUNDAY, "project": "api", "job": "lint", "branch": "failed", "compute": 1000},
    {"date": SUNDAY, "project": "api", "job": "lint", "branch": "main", "compute": 3000},
]
OF_WEB = pl.lit("id of web").alias("project_id")
# What the advice says about `test`, a change has proved already.
ADVICE = pl.concat([advice(usage()).with_columns(OF_WEB, job=pl.lit(job)) for job in ("build", "test")])
CHANGES = pl.concat(
    [
        verdicts(class_days(["large"] * 28 + [after] * 28)).with_columns(
            OF_WEB, job=pl.lit(job), date=pl.lit(SUNDAY - timedelta(days=20))
        )
        for after, job in (("xlarge", "test"), ("medium", "e2e"))
    ]
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of usage with waste, advice and changes of class."""
    folder = tmp_path_factory.mktemp("digests")
    publish_rows(folder / "data", ROWS)
    lake = open_lake(folder / "data")
    with tables_to_publish(lake) as connection:
        connection.execute("UPDATE daily_costs SET build_status = branch WHERE branch <> 'main'")
        write_waste(connection, lake, ["acme"])
        replace_rows(connection, {"class_advice": ADVICE, "class_changes": CHANGES})
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), NOW)
    return folder


def digests(folder: Path, *owners: str) -> dict[str, Notice]:
    """The digests of owners with these keys beside `digest = "weekly"`, by name."""
    channel = '[[notifications.channels]]\nname = "chat"\ntype = "slack"\nurl_env = "CHAT"\n'
    sections = [
        f'[[notifications.owners]]\nname = "{number}"\nchannels = ["chat"]\ndigest = "weekly"\n{more}\n'
        for number, more in enumerate(owners)
    ]
    (folder / "circleci_cost.toml").write_text(configuration() + channel + "".join(sections))
    settings, lake = read_settings(folder / "circleci_cost.toml"), open_lake(folder / "data")
    outbox = Outbox(outbox_path(lake), ManualClock(NOW))
    notices = occasions(settings, (), lake, current_generation(lake), NOW, outbox=outbox)
    return {notice.key.subject: notice for notice in notices if notice.key.event == "digest"}


def test_a_digest_says_what_was_wasted_by_cause_against_the_period_before(published: Path) -> None:
    message = digests(published, 'digest_parts = ["waste"]')["0"].message
    assert message.lines[2:] == (
        "Waste: $4.20, 35.0 % of what the jobs cost; +$3.60 (+600 %) against the period before.",
        "Most waste: web / e2e $2.40, web / test $1.20, api / lint $0.60.",
    )
    assert as_text(message).splitlines()[-4:] == [
        "total            $12.00   $6.00    +$6.00 (+100 %)",
        "waste: canceled   $2.40   $0.00             +$2.40",
        "waste: failed     $1.80   $0.60    +$1.20 (+200 %)",
        "all waste         $4.20   $0.60    +$3.60 (+600 %)",
    ]
    assert message.data["waste"] == {
        "cost_usd": "4.2",
        "cost_usd_before": "0.6",
        "whole_cost_usd": "12",
        "causes": [
            {"name": "canceled", "cost_usd": "2.4", "cost_usd_before": "0"},
            {"name": "failed", "cost_usd": "1.8", "cost_usd_before": "0.6"},
        ],
        "jobs": [
            {"name": "web / e2e", "cost_usd": "2.4", "cost_usd_before": "0"},
            {"name": "web / test", "cost_usd": "1.2", "cost_usd_before": "0.6"},
            {"name": "api / lint", "cost_usd": "0.6", "cost_usd_before": "0"},
        ],
    }
    html = as_mail(Envelope(Key("digest", "0"), message, NOW), "a@example.com", ["b@example.com"]).get_body(("html",))
    assert html is not None
    assert ">waste: canceled</td>" in html.get_content()


def test_a_digest_says_which_classes_save_and_which_changes_to_revert_or_keep(published: Path) -> None:
    message = digests(published, 'digest_parts = ["classes"]')["0"].message
    assert message.lines[2:] == (
        "Revert web / test to large, which would save $36.52 a month: xlarge instead of large since 2026-06-29: 100 % "
        "of the minutes a run (100 % to 100 %), 200 % of the cost (199 % to 201 %).",
        "Other resource classes for 1 job likely save $17.61 a month, between $12.72 and $18.91.",
        "web / build: small instead of large likely saves $17.61 a month ($12.72 to $18.91): at worst 20.5 min a run, "
        "and it pays below 40.0 min.",
        "Keep web / e2e at medium, which saves $18.26 a month: medium instead of large since 2026-06-29: 100 % of the "
        "minutes a run (100 % to 100 %), 50 % of the cost (50 % to 50 %).",
    )
    classes = message.data["classes"]
    assert isinstance(classes, dict)
    assert (classes["saving_usd"], classes["saving_low_usd"]) == ("17.610268", "12.718527")


def test_an_owner_reads_of_its_own_jobs_alone(published: Path) -> None:
    # Of what `test` used in these weeks 3 of 5 parts are on that branch, of `lint` 1 of 13.
    scoped = digests(published, 'where = { project = "api" }', 'where = { branch = "failed" }', "digest_parts = []")
    assert scoped["0"].message.lines[2] == (
        "Waste: $0.60, 25.0 % of what the jobs cost; +$0.60 against the period before."
    )
    assert "classes" not in scoped["0"].message.data
    wasted: Any = scoped["1"].message.data["waste"]
    assert [job["name"] for job in wasted["jobs"]] == ["web / test"]
    assert "classes" in scoped["1"].message.data
    assert not {"waste", "classes"} & set(scoped["2"].message.data)


def test_the_class_of_a_job_is_the_matter_of_who_has_most_of_it_in_all_workflows(
    published: Path, tmp_path: Path
) -> None:
    generation = current_generation(open_lake(copied(published, tmp_path) / "data"))
    with edit_generation(generation) as connection:
        connection.execute("UPDATE daily_costs SET workflow = 'nightly' WHERE job = 'test' AND branch = 'main'")
    of = digests(tmp_path, 'where = { workflow = "nightly" }', 'where = { workflow = "build" }')
    assert "classes" not in of["0"].message.data, "two of five parts"
    assert any(line.startswith("Revert web / test") for line in of["1"].message.lines)


def test_a_generation_of_a_version_without_waste_and_classes_has_its_digest(published: Path, tmp_path: Path) -> None:
    lake = open_lake(copied(published, tmp_path) / "data")
    generation = current_generation(lake)
    without = {"waste", "class_advice", "class_changes"}
    with edit_generation(generation) as connection:
        for table in without:
            connection.execute(f"DROP TABLE {table}")
    kept = {name: count for name, count in generation.manifest.rows.items() if name not in without}
    point_to(lake, current_generation(lake).manifest.model_copy(update={"rows": kept}))
    message = digests(tmp_path, "")["0"].message
    assert message.title == "0: $12.00 in 2026-W11, +$6.00 (+100 %)"
    assert len(message.lines) == 2


def test_free_usage_has_no_waste_to_speak_of(published: Path, tmp_path: Path) -> None:
    generation = current_generation(open_lake(copied(published, tmp_path) / "data"))
    with edit_generation(generation) as connection:
        connection.execute("UPDATE waste SET cost_usd = 0 WHERE cause = 'failed'")
        connection.execute("UPDATE waste SET cost_usd = NULL WHERE cause = 'canceled'")
    assert "waste" not in digests(tmp_path, "")["0"].message.data


def test_usage_without_a_price_is_named_and_a_long_list_says_how_many_more(tmp_path: Path) -> None:
    unpriced = [
        {"date": SUNDAY - WEEK, "project": "web", "compute": 9, "price": None},
        {"date": SUNDAY, "project": "web", "compute": 4000, "price": None},
        {"date": SUNDAY, "project": "api", "compute": 500, "price": None},
    ]
    new = [{"date": SUNDAY, "project": f"p{number:02}", "compute": 1000} for number in range(12)]
    publish_rows(tmp_path / "data", [*unpriced, *new])
    of = digests(tmp_path, "", 'where = { project = "p00" }')
    assert of["0"].message.lines[1:] == (
        "4,500 credits have no price and are in no cost here: api, web.",
        "New: p00, p01, p02, p03, p04, p05, p06, p07, p08, p09 and 2 more.",
    )
    assert of["1"].message.lines[1:] == ("New: p00.",)
