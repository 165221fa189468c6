"""The end of a token from the configuration to the receiver: notified once per step, also after a machine slept."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.lake.layout import open_lake
from circleci_cost.notify.occasions import occasions
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.notify.harness import Site, webhook_section
from circleci_cost_tests.notify.receiver import Receiver

END, LATER = date(2026, 5, 1), date(2027, 5, 1)


def settings(site: Site, expires: date) -> Settings:
    path = site.folder / "circleci_cost.toml"
    text = configuration().replace('name = "acme"\n', f'name = "acme"\napi_token_expires = {expires}\n')
    path.write_text(text)
    return read_settings(path)


def test_a_machine_that_slept_notifies_once_and_a_new_end_starts_over(
    site: Site, receiver: Receiver, tmp_path: Path
) -> None:
    publish_rows(tmp_path / "data", [{"date": date(2026, 1, 31), "compute": "1000"}])
    lake = open_lake(tmp_path / "data")
    site.configure(webhook_section(receiver, events=["token_expiry"]))

    def wake(days_left: int, expires: date = END) -> list[tuple[str, str, str]]:
        """Run the pipeline twice on a day, and return what arrived."""
        now = datetime.combine(END - timedelta(days=days_left), time(12), UTC)
        site.clock.advance(now - site.clock.now())
        for _ in range(2):
            notices = occasions(settings(site, expires), (), lake, current_generation(lake), now, outbox=site.outbox)
            site.run(*notices)
        bodies = [json.loads(request.body) for request in receiver.requests]
        receiver.requests.clear()
        return [(body["key"]["period"], body["key"]["threshold"], body["title"]) for body in bodies]

    assert wake(31) == []
    assert wake(30) == [("2026-05-01", "30", "acme: the CircleCI token ends in 30 days")]
    assert wake(16) == []
    # Nothing ran at 15 days: of the missed steps only the current one is notified.
    assert wake(6) == [("2026-05-01", "7", "acme: the CircleCI token ends in 6 days")]
    assert wake(2) == []
    assert wake(0) == [("2026-05-01", "1", "acme: the CircleCI token ends today")]
    assert wake(-1) == [("2026-05-01", "-1", "acme: the CircleCI token has ended")]
    assert wake(-2, LATER) == []
    assert wake(-335, LATER) == [("2027-05-01", "30", "acme: the CircleCI token ends in 30 days")]
