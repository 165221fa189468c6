"""The checks of an asset: their specs, and their results from the sentences about what is wrong.

Each asset's module says what it checks; `checks` holds the standing checks between runs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import dagster as dg

from circleci_cost.assets import Asset
from circleci_cost.text.plain import one_line


def check_specs(
    asset: Asset, descriptions: Mapping[str, str], *, blocking: Collection[str] = ()
) -> list[dg.AssetCheckSpec]:
    """The specs of an asset's checks by name; where one of `blocking` fails, no later asset is made."""
    return [
        dg.AssetCheckSpec(name, asset=asset.name, description=description, blocking=name in blocking)
        for name, description in descriptions.items()
    ]


def warning(
    name: str, sentences: Iterable[str], values: Mapping[str, str | int | float] | None = None
) -> dg.AssetCheckResult:
    """A check that warns with these sentences and passes without any; `values` is its metadata."""
    return _result(name, list(sentences), "; ", dg.AssetCheckSeverity.WARN, values)


def failure(
    name: str, sentences: Iterable[str], values: Mapping[str, str | int | float] | None = None
) -> dg.AssetCheckResult:
    """A check that fails with these sentences and passes without any; `values` is its metadata."""
    return _result(name, list(sentences), " ", dg.AssetCheckSeverity.ERROR, values)


def when(wrong: object, sentence: str) -> list[str]:
    """The sentences of a check for a single mistake: the sentence where something is `wrong`, else none."""
    return [sentence] if wrong else []


def _result(
    name: str,
    sentences: Sequence[str],
    separator: str,
    severity: dg.AssetCheckSeverity,
    values: Mapping[str, str | int | float] | None,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=not sentences,
        severity=severity,
        metadata=values,
        description=one_line(separator.join(sentences)) or None,
    )
