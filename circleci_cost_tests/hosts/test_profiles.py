"""The files of the deployment profiles, read by the rules of the tools that read them, which are not at hand here.

Of hadolint the rules that apply to such a Dockerfile; of Compose what its files name; of Helm the keys of the chart.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config

from circleci_cost.config.settings import read_settings
from circleci_cost.defs.run_queue import CostCenterQueue
from circleci_cost_tests.hosts.chart import CHART, unknown_keys

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "circleci_cost" / "deploy"
COMPOSE = sorted(path for path in DEPLOY.glob("c*/*.yaml") if "services" in yaml.safe_load(path.read_text()))
SETTINGS = [ROOT / "dagster.yaml", *sorted(DEPLOY.glob("*/dagster.yaml"))]
_QUEUE = {
    "run_coordinator": {"module": CostCenterQueue.__module__, "class": CostCenterQueue.__name__},
    "tag_concurrency_limits": [
        {"key": "circleci_cost/cost_center", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    ],
    "pools": {"granularity": "run", "default_limit": 1},
}
_SIGNS = re.compile(r"password|secret|token|_key\b", re.IGNORECASE)


def services() -> Iterator[tuple[str, dict[str, Any]]]:
    """All services that are written out, those that extend another one left out."""
    for path in COMPOSE:
        for name, service in yaml.safe_load(path.read_text())["services"].items():
            if "extends" not in service:
                yield f"{path.parent.name}/{path.name} {name}", service


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_dagster_takes_the_settings_of_every_profile_and_queues_alike(path: Path) -> None:
    settings, _ = dagster_instance_config(str(path.parent))
    concurrency = settings["concurrency"]
    actual = {
        "run_coordinator": {name: settings["run_coordinator"][name] for name in ("module", "class")},
        "tag_concurrency_limits": concurrency["runs"]["tag_concurrency_limits"],
        "pools": {name: concurrency["pools"][name] for name in ("granularity", "default_limit")},
    }
    assert actual == _QUEUE
    assert settings["telemetry"] == {"enabled": False}


def test_the_values_name_keys_of_the_chart_alone_and_queue_alike() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    assert unknown_keys(values, CHART) == []
    coordinator = values["dagsterDaemon"]["runCoordinator"]["config"]["customRunCoordinator"]
    pools = values["concurrency"]["pools"]
    actual = {
        "run_coordinator": {name: coordinator[name] for name in ("module", "class")},
        "tag_concurrency_limits": values["concurrency"]["runs"]["tagConcurrencyLimits"],
        "pools": {"granularity": pools["granularity"], "default_limit": pools["defaultLimit"]},
    }
    assert actual == _QUEUE
    # A misspelt key would be found.
    assert unknown_keys({"concurrency": {"pool": {}}}, CHART) == [".concurrency.pool"]


@pytest.mark.parametrize(("name", "service"), list(services()), ids=[name for name, _ in services()])
def test_a_container_may_do_nothing_more_than_it_has_to(name: str, service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # The image has a health check of its own, which is that of the code server.
    assert "healthcheck" in service or name == "compose/compose.yaml code"
    assert re.search(r":\d[\w.-]*\}?$|:RELEASE[\w.-]+\}$", service["image"]), service["image"]
    for port in service.get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${LISTEN:-127.0.0.1}:")), port


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_what_a_compose_file_names_is_there(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    for written in content["services"].values():
        extended, service = written.get("extends"), written
        if extended:
            other = yaml.safe_load((path.parent / extended["file"]).read_text())
            service = other["services"][extended["service"]] | written
        for file in service.get("env_file", ()):
            examples = [folder / f"{file}.example" for folder in (path.parent, DEPLOY / "compose", DEPLOY / "celery")]
            assert any(example.is_file() for example in examples), file
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (path.parent / source).exists() or (DEPLOY / "compose" / source).exists(), source
            else:
                assert source in content["volumes"], source
        for other_service in service.get("depends_on", ()):
            assert other_service in content["services"]


def test_no_file_of_a_profile_holds_a_secret() -> None:
    """Variables are named, and examples are empty but for names of hosts."""
    for path in DEPLOY.rglob("*.env*"):
        for line in path.read_text().splitlines():
            name, _, value = line.partition("=")
            assert line.startswith("#") or not _SIGNS.search(name) or not value, f"{path}: {line}"
    assert not list(DEPLOY.rglob("*.env"))


def test_the_configuration_to_begin_with_is_a_valid_one() -> None:
    settings = read_settings(DEPLOY / "compose" / "config" / "circleci_cost.toml")
    assert str(settings.data_dir) == "/var/lib/circleci-cost/data"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and their arguments, continued lines put together."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines) if word]


def test_the_image_keeps_to_the_rules_of_hadolint() -> None:
    found = instructions()
    arguments = {word: [rest for each, rest in found if each == word] for word, _ in found}
    bases = [rest.split(" AS ")[0] for rest in arguments["FROM"]]
    # DL3006, DL3007: a tag, and not `latest`. DL3029: of no fixed platform.
    assert all(re.fullmatch(r"[\w./-]+:\d[\w.-]*", base) for base in bases), bases
    # DL3002: the last user is not root. By number, so that Kubernetes can see that it is not.
    assert arguments["USER"][-1] == "10001:10001"
    # DL3000: absolute. DL3045: and before what is copied to a relative place.
    assert all(rest.startswith("/") for rest in arguments["WORKDIR"])
    # DL3012: one health check. DL3025: lists, no shell.
    assert len(arguments["HEALTHCHECK"]) == 1
    assert all(rest.startswith("[") for rest in arguments["CMD"])
    # DL3020, DL3021, DL3022: COPY of files, from stages that have a name.
    assert "ADD" not in arguments
    stages = {rest.split(" AS ")[1] for rest in arguments["FROM"] if " AS " in rest}
    assert {match[1] for rest in arguments["COPY"] if (match := re.match(r"--from=(\S+)", rest))} <= stages
    # DL3001, DL3003, DL3004, DL3008, DL4006: no `cd`, `sudo`, unpinned system packages or pipes.
    assert not [run for run in arguments["RUN"] if re.search(r"\b(cd|sudo|apt|apt-get|curl|wget)\b|\|(?!\|)", run)]
    # DL3013, DL3042: packages by their hashes, and no cache of pip left in a layer.
    installs = [run for run in arguments["RUN"] if "pip install" in run]
    assert all("--no-cache-dir" in run and ("--require-hashes" in run or "--no-deps" in run) for run in installs)
    # A secret in ENV or ARG would be in the image's history.
    assert not _SIGNS.search(" ".join(arguments["ENV"] + arguments.get("ARG", [])))


def test_the_image_gets_what_it_copies_and_nothing_else() -> None:
    ignored = [
        line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    assert ignored[0] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)
    assert {"**/.env", "**/*.env"} <= set(ignored)
