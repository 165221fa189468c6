"""The public holidays of countries and their parts, from the package `holidays`.

Other special days are `special_days`' job; how low usage is on them is not known here.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from circleci_cost.errors import ConfigurationError
from circleci_cost.text.suggestions import similar


def public_holidays(first: date, last: date, country: str | None, subdivision: str | None) -> set[date]:
    """The public holidays from `first` to `last`, and nearby ones, which may make bridge days in that range.

    `country` is an ISO 3166-1 code and `subdivision` one of its ISO 3166-2 parts; without a country there are none.
    Raises `ConfigurationError` for an unknown code.
    """
    if country is None:
        if subdivision is not None:
            raise ConfigurationError(f"subdivision {subdivision!r} has no country; write country beside it")
        return set()
    # It takes a twentieth of a second of a processor to import.
    import holidays

    known = holidays.list_supported_countries()
    if country not in known:
        raise ConfigurationError(
            f"country {country!r} has no calendar of holidays{_nearest(country, known)}; "
            "write an ISO 3166-1 code such as 'DE' or 'US'"
        )
    if subdivision is not None and subdivision not in known[country]:
        raise ConfigurationError(
            f"subdivision {subdivision!r} of {country} has no calendar of holidays"
            f"{_nearest(subdivision, known[country])}; known are: {', '.join(known[country]) or 'none'}"
        )
    years = range((first - timedelta(days=3)).year, (last + timedelta(days=3)).year + 1)
    return set(holidays.country_holidays(country, subdiv=subdivision, years=years))


def _nearest(code: str, known: Iterable[str]) -> str:
    codes = similar(code, [str(known_code) for known_code in known])
    return f" (did you mean {' or '.join(codes)}?)" if codes else ""
