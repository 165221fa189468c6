"""The commands that an inspection names: as few as do everything, within the history and the configuration."""

from datetime import date

import pytest

from circleci_cost.warehouse.inspection.commands import commands
from circleci_cost.warehouse.inspection.findings import Remedy, Step

START = date(2026, 1, 1)
FIRST, LAST = date(2026, 1, 5), date(2026, 2, 3)
DERIVE = Remedy(Step.DERIVE)
REPRICE_ALL = Remedy(Step.REPRICE)
REPRICE = Remedy(Step.REPRICE, "globex", frozenset({FIRST, LAST}))
REREAD = Remedy(Step.REREAD, "acme", frozenset({date(2025, 12, 31), FIRST}))
REFETCH = Remedy(Step.REFETCH, "acme", frozenset({LAST}))


@pytest.mark.parametrize(
    ("remedies", "unpublished", "wanted"),
    [
        ((), False, []),
        ((DERIVE, DERIVE), False, ["allocation apply"]),
        ((DERIVE, REPRICE), False, ["reprice --from 2026-01-05 --to 2026-02-03 --cost-center globex"]),
        ((REPRICE, REPRICE_ALL), False, ["reprice"]),
        (
            (REREAD, REPRICE, DERIVE),
            False,
            [
                "backfill --from 2026-01-05 --to 2026-01-05 --cost-center acme",
                "reprice --from 2026-01-05 --to 2026-02-03 --cost-center globex",
            ],
        ),
        # A backfill prices all days of its cost centers while nothing is published.
        (
            (REREAD, REPRICE, REPRICE_ALL),
            True,
            ["backfill --from 2026-01-05 --to 2026-01-05 --cost-center acme --cost-center globex"],
        ),
        ((REFETCH,), False, ["backfill --from 2026-02-03 --to 2026-02-03 --cost-center acme --refetch"]),
        ((Remedy(Step.REREAD, "acme", frozenset({date(2025, 12, 31)})),), False, []),
        ((Remedy(Step.REPRICE, "former", frozenset({FIRST})),), False, []),
    ],
)
def test_as_few_commands_as_do_everything(remedies: tuple[Remedy, ...], unpublished: bool, wanted: list[str]) -> None:
    lines = commands(remedies, START, ("acme", "globex"), unpublished=unpublished)
    assert lines == [f"circleci-cost {words}" for words in wanted]
