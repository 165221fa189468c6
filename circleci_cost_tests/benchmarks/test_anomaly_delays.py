from .anomaly_delays import by_size, shift_delays
from .test_anomaly_scores import JOB, day, detected, label, small_set, table


def shift(first: int, sigma: float | None, kind: str = "level_shift") -> dict[str, object]:
    """Return a label that was measured over four days, with a day's effect of so many standard deviations."""
    visibility = None if sigma is None else 2 * sigma
    return label(first, first + 21, kind=kind, last_day=day(first + 3), visibility=visibility)


def test_the_delay_of_shifts_is_told_by_their_size_and_missed_ones_are_found_never() -> None:
    labelled = small_set(
        table(
            shift(50, 2.5),
            shift(100, 2.0),
            shift(150, 0.4),
            shift(200, None, kind="schedule_runs"),
            shift(250, 0.4, kind="drift"),
            label(300, 302, over=300, visibility=1.0),
        )
    )
    delays = shift_delays(detected(53, 116, 200, 250), labelled)
    assert by_size([delays]).rows() == [
        ("below 0.5", 1, None, 0.0),
        ("2 to 3", 2, 9.5, 0.5),
        ("from 5", 1, 0.0, 1.0),
    ]


def test_shifts_of_the_first_28_days_are_not_scored() -> None:
    labelled = small_set(table(label(20, 41, kind="level_shift"), label(60, 81, kind="level_shift")))
    assert shift_delays(detected(61, series=JOB), labelled)["delay_days"].to_list() == [1]
