"""A simulator of CircleCI's Usage API and a generator of realistic, labelled usage behind it.

The package reads usage through its client only; nothing but the demo, `simulate` and tests imports this.
"""

from circleci_cost.config.demo import ACME_ID, ACME_LABS_ID, GLOBEX_ID, GLOBEX_SLUG
from circleci_cost.simulator.daily import daily_usage
from circleci_cost.simulator.demo import demo_scenario
from circleci_cost.simulator.demo_folder import begin_demo
from circleci_cost.simulator.dialects import Dialect
from circleci_cost.simulator.faults import Fault
from circleci_cost.simulator.generator import generate
from circleci_cost.simulator.parts import write_export_files
from circleci_cost.simulator.scenario import (
    Closure,
    Driver,
    Event,
    EventKind,
    Job,
    Organization,
    Project,
    Scenario,
    Timetable,
    Workflow,
)
from circleci_cost.simulator.server import SimulatorServer
from circleci_cost.simulator.simulator import Simulator
from circleci_cost.simulator.sources import FolderOrganization, FolderSource

__all__ = [
    "ACME_ID",
    "ACME_LABS_ID",
    "GLOBEX_ID",
    "GLOBEX_SLUG",
    "Closure",
    "Dialect",
    "Driver",
    "Event",
    "EventKind",
    "Fault",
    "FolderOrganization",
    "FolderSource",
    "Job",
    "Organization",
    "Project",
    "Scenario",
    "Simulator",
    "SimulatorServer",
    "Timetable",
    "Workflow",
    "begin_demo",
    "daily_usage",
    "demo_scenario",
    "generate",
    "write_export_files",
]
