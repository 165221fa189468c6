"""The asset that allocates every cost to the values of the virtual tags: allocated_costs."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import dagster as dg

from circleci_cost.assets import ALLOCATED_COSTS
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning, when
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.efficiency.actors import DEFAULT_ACTORS
from circleci_cost.named_files.csv_tables import bytes_or_missing
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult
from circleci_cost.warehouse.costs.daily_costs import total_costs
from circleci_cost.warehouse.derived import Derivation

_CHECKS = {
    "nothing_lost": "The values of every tag add up to the daily costs, to the last digit.",
    "allocation_coverage": "Of every tag, at least min_coverage of the cost is allocated.",
    "rules_match_usage": "Every rule, mapping and split names values that usage has.",
    "tag_files_readable": "Every file of a tag could be used; what rests on one that could not has no value.",
    "splits_as_configured": "No split had to fall back to another method.",
}


def build_allocation_asset(settings: Settings) -> DerivedAsset:
    """The asset `allocated_costs`; its code version is a hash of the rules and of the files that they name."""
    return build_derived_asset(
        ALLOCATED_COSTS,
        settings,
        Derivation.allocate,
        lambda result, connection: _allocation_result(result, total_costs(connection)),
        code_version=rules_hash(settings),
        kinds={"duckdb", "toml"},
        check_specs=check_specs(ALLOCATED_COSTS, _CHECKS, blocking={"nothing_lost"}),
        description=(
            "Daily costs by charge type under every virtual tag, after the split of shared cost; each row knows its "
            "rule and share. Grain: daily cost × charge type × tag. Add up the rows of one tag only: every tag holds "
            "the whole cost. Counts stay where the jobs ran."
        ),
    )


def _allocation_result(result: AllocationResult, totals: tuple[Decimal, Decimal]) -> metadata.Materialized:
    """The result of `allocated_costs` for Dagster; `totals` are the USD and the credits of all daily costs."""
    return dg.MaterializeResult(metadata=_metadata(result), check_results=list(_results(result, totals)))


def rules_hash(settings: Settings) -> str:
    """A hash of the rules and their files as they are now; a missing file is reported when the asset is made."""
    digest = hashlib.sha256(repr(settings.virtual_tags).encode())
    if settings.actors.patterns != DEFAULT_ACTORS.patterns:
        # Rules may ask for kinds of actors.
        digest.update(repr(settings.actors.patterns).encode())
    for tag in settings.virtual_tags:
        for file in _files(tag):
            path = settings.resolve(file)
            digest.update(bytes_or_missing(path))
    return digest.hexdigest()[:16]


def _files(tag: VirtualTag) -> Iterator[Path]:
    yield from (mapping.file for mapping in tag.mappings)
    yield from (owners.file for owners in tag.codeowners)
    yield from (split.file for split in tag.splits if split.file)


def _metadata(result: AllocationResult) -> dict[str, metadata.Value]:
    values: dict[str, metadata.Value] = {"dagster/row_count": result.rows}
    for tag in result.tags:
        values[f"coverage_{tag.tag}"] = round(float(tag.coverage), 4)
        values[f"unallocated_usd_{tag.tag}"] = metadata.number(tag.unallocated_cost_usd)
    values["tags"] = metadata.table(
        ("tag", "rows", "USD", "unallocated USD", "allocated"),
        (
            (
                tag.tag,
                tag.rows,
                metadata.usd(tag.cost_usd),
                metadata.usd(tag.unallocated_cost_usd),
                metadata.percent(tag.coverage),
            )
            for tag in result.tags
        ),
    )
    return values


def _results(result: AllocationResult, totals: tuple[Decimal, Decimal]) -> Iterator[dg.AssetCheckResult]:
    different = [tag.tag for tag in result.tags if (tag.cost_usd, tag.credits) != totals]
    yield failure("nothing_lost", when(different, f"the sums of {', '.join(different)} differ from daily_costs"))
    low = [
        f"{metadata.percent(tag.coverage)} of {tag.tag} is allocated, {metadata.percent(tag.min_coverage)} is wanted: "
        f"`circleci-cost allocation coverage --tag {tag.tag}` shows the largest groups without a value"
        for tag in result.tags
        if tag.min_coverage is not None and tag.coverage < tag.min_coverage
    ]
    yield warning("allocation_coverage", low)
    yield warning(
        "rules_match_usage", [*result.warnings, *(sentence for tag in result.tags for sentence in tag.warnings)]
    )
    yield failure("tag_files_readable", map(str, result.problems))
    yield warning(
        "splits_as_configured",
        [str(fallback) for tag in result.tags for fallback in tag.fallbacks],
    )
