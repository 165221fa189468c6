from .anomaly_delays import by_size, shift_delays
from .test_anomaly_scores import JOB, detected, label, small_set, table


def test_the_delay_of_shifts_is_told_by_their_size_and_missed_ones_are_found_never() -> None:
    labelled = small_set(
        table(
            label(50, 71, kind="level_shift", sigma=2.5),
            label(100, 121, kind="level_shift", sigma=2.0),
            label(150, 171, kind="level_shift", sigma=0.4),
            label(200, 221, kind="schedule_runs", sigma=None),
            label(250, 252, kind="spike", sigma=0.4),
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
