"""The code location as it is, but that its sensor looks every 5 seconds: tests wait for what follows a run."""

from typing import Any

import dagster as dg

from circleci_cost import definitions

_SECONDS = 5
_Sensor = dg.AutomationConditionSensorDefinition


def _brisk(*arguments: Any, **named: Any) -> dg.AutomationConditionSensorDefinition:
    assert "minimum_interval_seconds" in named
    return _Sensor(*arguments, **named | {"minimum_interval_seconds": _SECONDS})


dg.AutomationConditionSensorDefinition = _brisk  # type: ignore[assignment,misc]
defs = definitions.defs
