"""Which days are final: those whose export was made after CircleCI had stopped restating them, and was read.

CircleCI restates its last days without a documented rule; `restatement_days` says for how long. What to fetch for
the other days is decided in `history.coverage`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta

from circleci_cost.lake.days import Provenance, known_provenances
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import LandedExport, exports_by_day


def unsettled_days(
    days: Iterable[date],
    landed: Sequence[LandedExport],
    restatement_days: int,
    *,
    trust_imports: bool,
    organizations: Collection[str] = (),
) -> list[date]:
    """The days that no export made more than `restatement_days` days after them covers.

    `landed` is ordered by export time, as `landed_exports` gives it. Imported files may be some of the parts only:
    they never settle a day that an export job has covered, and other days only with `trust_imports`.
    An export job settles its days for the organizations that it asked for: one of `organizations` that joined the
    cost center later has usage in them that nobody has fetched.
    """
    wanted = frozenset(organization.lower() for organization in organizations)
    sources = exports_by_day(landed)
    span = timedelta(days=restatement_days)
    return [day for day in days if not _settled(day, sources.get(day, ()), span, trust_imports, wanted)]


def _settled(
    day: date, sources: Collection[LandedExport], span: timedelta, trust_imports: bool, wanted: frozenset[str]
) -> bool:
    fetched = [source for source in sources if source.manifest.complete]
    if any(wanted - source.manifest.organizations for source in fetched):
        return False
    judged = fetched or (sources if trust_imports else ())
    return any(source.manifest.exported_at.astimezone(UTC).date() - day > span for source in judged)


def unread_days(lake: Lake, cost_center: str, days: Iterable[date], landed: Sequence[LandedExport]) -> list[date]:
    """The days whose job runs were not read from the exports that landed for them: a run was cut off in between.

    Days without a landed export are left out. A file that is not readable counts, too: reading its day anew says why.
    """
    days = list(days)
    return unread(dict(zip(days, known_provenances(lake, cost_center, days), strict=True)), landed)


def unread(read: Mapping[date, Provenance | None], landed: Sequence[LandedExport]) -> list[date]:
    """Those of some days that `unread_days` names, by what their files' footers say (`known_provenances`)."""
    sources = exports_by_day(landed)
    return [
        day
        for day, provenance in read.items()
        if day in sources and (provenance is None or provenance.exports.keys() != _ids(sources[day]))
    ]


def _ids(sources: Iterable[LandedExport]) -> set[str]:
    return {source.manifest.export_id for source in sources}
