"""The checks of an asset: their specs, and how what was found becomes their results.

What is looked for is the business of each asset's module, and of `checks` for what stands between runs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import dagster as dg

from circleci_cost.assets import Asset
from circleci_cost.text.plain import one_line


def check_specs(
    asset: Asset, descriptions: Mapping[str, str], *, blocking: Collection[str] = ()
) -> list[dg.AssetCheckSpec]:
    """The specs of an asset's checks by name; where one of `blocking` fails, nothing that follows is made."""
    return [
        dg.AssetCheckSpec(name, asset=asset.name, description=description, blocking=name in blocking)
        for name, description in descriptions.items()
    ]


def warning(
    name: str, found: Iterable[str], shown: Mapping[str, str | int | float] | None = None
) -> dg.AssetCheckResult:
    """A check that warns with all that was found, and passes where nothing was; `shown` is its metadata."""
    return _result(name, list(found), "; ", dg.AssetCheckSeverity.WARN, shown)


def failure(
    name: str, found: Iterable[str], shown: Mapping[str, str | int | float] | None = None
) -> dg.AssetCheckResult:
    """A check that fails with all the sentences that were found, and passes where none was."""
    return _result(name, list(found), " ", dg.AssetCheckSeverity.ERROR, shown)


def when(wrong: object, sentence: str) -> list[str]:
    """What a check has found that looks for one thing: the sentence where something is wrong, else nothing."""
    return [sentence] if wrong else []


def _result(
    name: str,
    found: Sequence[str],
    between: str,
    severity: dg.AssetCheckSeverity,
    shown: Mapping[str, str | int | float] | None,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=not found,
        severity=severity,
        metadata=shown,
        description=one_line(between.join(found)) or None,
    )
