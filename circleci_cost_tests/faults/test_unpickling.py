"""Nothing is unpickled over a line of trust: not by us, and not by what we call, in a whole run and its reports (f114).

Python raises an audit event for each class that a pickle names, and for modules that hold unpicklers.
"""

import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

from circleci_cost_tests.pipeline.harness import published_table, running
from circleci_cost_tests.pipeline.processes import Task, ended, start, work
from circleci_cost_tests.pipeline.scenarios import NOW, YESTERDAY

UNPICKLED = 77


def refuse_to_unpickle() -> None:
    """End this process at the first class that a pickle names."""

    def hook(event: str, arguments: Any) -> None:
        if event == "pickle.find_class":
            os.write(2, f"a pickle asks for {arguments}\n".encode())
            os._exit(UNPICKLED)

    sys.addaudithook(hook)


def unpickle_something(task: Task) -> None:
    """Show that the hook works."""
    import pickle

    refuse_to_unpickle()
    pickle.loads(pickle.dumps(task))


def test_f114_a_whole_run_unpickles_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        task = Task(site.configuration, NOW, "initech", date(2024, 3, 9), YESTERDAY)
        assert ended(start(unpickle_something, task)) == UNPICKLED
        assert ended(start(work, task, refuse_to_unpickle)) == 0
        assert published_table(site.lake, "daily_costs").height > 0
        assert [path for path in site.folder.rglob("*") if path.suffix in {".pkl", ".pickle"}] == []
