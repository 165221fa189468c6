import polars as pl
import pytest

from .anomaly_incident_misses import NO_ALARM, NO_INCIDENT, ONLY_CHILDREN, SWALLOWED, misses
from .anomaly_incident_scores import AT_YEAR_END, BESIDE_PRICE, incident_counts, incident_figures
from .anomaly_labels import PRICE_CHANGE
from .test_anomaly_scores import day, detected, incidents, label, small_set, table

CAUSE = pl.DataFrame(
    {
        "event": ["stop"],
        "organization": ["acme"],
        "series": ["acme/web"],
        "direction": ["down"],
        "first_day": [day(60)],
        "ends": [day(81)],
    }
)
LONG_INCIDENT = incidents(("acme", 40, 41, "down", 90))


def miss(alarms: pl.DataFrame, known: pl.DataFrame) -> str:
    """Return why the cause was missed."""
    return str(misses(CAUSE, known, alarms).row(0, named=True)["miss"])


@pytest.mark.parametrize("series", ["acme", "acme/web", "acme/web/build"])
def test_an_alarm_in_the_line_that_lies_in_another_incident_was_swallowed(series: str) -> None:
    assert miss(detected(61, series=series, direction="down"), LONG_INCIDENT) == SWALLOWED


def test_without_an_incident_over_it_the_level_of_the_alarm_tells_why() -> None:
    early = incidents(("acme", 40, 41, "down", 60))
    assert miss(detected(61, series="acme/web", direction="down"), early) == NO_INCIDENT
    assert miss(detected(61, series="acme", direction="down"), early) == NO_INCIDENT
    assert miss(detected(61, series="acme/web/build/test", direction="down"), early) == ONLY_CHILDREN


def test_alarms_elsewhere_at_other_times_or_of_the_other_direction_are_none() -> None:
    others = [
        detected(61, series="acme/webshop", direction="down"),
        detected(59, 82, series="acme/web", direction="down"),
        detected(61, series="acme/web", direction="up"),
    ]
    assert miss(pl.concat(others), LONG_INCIDENT) == NO_ALARM


def test_the_figures_hold_the_misses_and_the_share_of_causes_that_were_told_twice() -> None:
    labelled = small_set(table(label(50, 52)))
    missed = incident_counts(incidents(), labelled, detected(51, series="acme/web/build"))
    twice = incident_counts(incidents(("acme/web", 50, 50, "up"), ("acme", 52, 52, "up")), labelled, detected())
    row = incident_figures([missed, twice, twice]).row(0, named=True)
    assert (row["causes"], row["recall"], row["repeats"]) == (3, pytest.approx(2 / 3), 1.0)
    assert (row[ONLY_CHILDREN], row[SWALLOWED], row[NO_ALARM], row[NO_INCIDENT]) == (1, 0, 0, 0)


def test_beside_a_price_change_an_incident_is_about_the_cause_of_its_kind() -> None:
    labelled = small_set(table(label(50, 52)))
    spike = labelled.causes.head(1)
    price = spike.with_columns(
        event=pl.lit("price"), kind=pl.lit(PRICE_CHANGE), series=pl.lit("acme"), first_day=day(48), ends=day(69)
    )
    beside = type(labelled)(**{**vars(labelled), "causes": pl.concat([spike, price])})
    one_spike = incidents(("acme/web", 50, 50, "up"))
    both = pl.concat([one_spike, incidents(("acme", 48, 48, "up")).with_columns(kind=pl.lit(PRICE_CHANGE))])
    by_kind = [
        {row["slice"]: row["found"] for row in incident_counts(rows, beside, detected()).iter_rows(named=True)}
        for rows in (one_spike, both)
    ]
    close = {BESIDE_PRICE: 1, AT_YEAR_END: 0}
    assert by_kind == [
        close | {"all": 1, "spike": 1, PRICE_CHANGE: 0},
        close | {"all": 2, "spike": 1, PRICE_CHANGE: 1, BESIDE_PRICE: 2},
    ]
