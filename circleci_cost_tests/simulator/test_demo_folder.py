"""What the demo writes before any import."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from circleci_cost.config.demo import ACME_ID, USERS_FILE, configuration
from circleci_cost.model.efficiency.trigger_users import read_user_names
from circleci_cost.simulator import begin_demo, demo_scenario, generate

DAY = date(2026, 3, 19)


def test_the_names_are_those_of_the_simulated_users_but_for_the_newest_one(tmp_path: Path) -> None:
    assert "trigger_user_names" not in configuration(tmp_path, DAY)["actors"]
    begin_demo(tmp_path, DAY)
    assert configuration(tmp_path, DAY)["actors"] == {"trigger_user_names": USERS_FILE}
    names = read_user_names(tmp_path / USERS_FILE)
    assert len(set(names.values())) == len(names) == 39
    scenario = demo_scenario(DAY)
    usage = pl.concat(
        generate(
            scenario, [ACME_ID], DAY - timedelta(days=7), DAY - timedelta(days=1), datetime(2026, 4, 1, tzinfo=UTC)
        )
    )
    users = set(usage.get_column("PIPELINE_TRIGGER_USER_ID").drop_nulls())
    newest = {organization.user_ids[-1] for organization in scenario.organizations}
    assert len(users) > 10
    assert users - newest <= names.keys()
