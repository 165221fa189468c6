"""`[calendar]`: the days with less usage than is usual for their weekday; forecasts learn how much less."""

from datetime import date
from typing import Self

from pydantic import model_validator

from circleci_cost.errors import ConfigurationError
from circleci_cost.sections.section import Section

# A longer value is no code and may be a secret, so it is not repeated.
_LONGEST_CODE = 6


class Calendar(Section):
    """The public holidays of a country (ISO 3166-1) or one of its parts (ISO 3166-2), and the user's own closures."""

    country: str | None = None
    subdivision: str | None = None
    closures: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.country or self.subdivision:
            from circleci_cost.model.calendar.holidays import public_holidays

            try:
                public_holidays(date(2026, 1, 1), date(2026, 1, 1), self.country, self.subdivision)
            except ConfigurationError as error:
                if max(len(self.country or ""), len(self.subdivision or "")) > _LONGEST_CODE:
                    raise ValueError(
                        "there is no such calendar of holidays; write codes of ISO 3166, such as DE and BY"
                    ) from None
                raise ValueError(str(error)) from None
        return self


DEFAULT_CALENDAR = Calendar()
