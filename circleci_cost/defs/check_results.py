"""How what was found becomes the result of an asset check."""

from collections.abc import Iterable

import dagster as dg

from circleci_cost.text.plain import one_line


def warning(name: str, found: Iterable[str]) -> dg.AssetCheckResult:
    """A check that warns with all that was found, and passes where nothing was."""
    sentences = list(found)
    return dg.AssetCheckResult(
        check_name=name,
        passed=not sentences,
        severity=dg.AssetCheckSeverity.WARN,
        description=one_line("; ".join(sentences)) or None,
    )


def unusable(name: str, problems: Iterable[str]) -> dg.AssetCheckResult:
    """A check that fails with each file that could not be used, and stops nothing."""
    sentences = list(problems)
    return dg.AssetCheckResult(
        check_name=name,
        passed=not sentences,
        description=one_line(" ".join(sentences)) or None,
    )
