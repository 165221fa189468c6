"""`check` asks the server that prices whether it is there and counts exactly."""

from datetime import date
from pathlib import Path

from circleci_cost.cli.check_engine import engine_findings
from circleci_cost.cli.findings import Finding
from circleci_cost.config.settings import Settings
from circleci_cost_tests.engines.wire import Wire

_CENTER = {"name": "acme", "organization_id": "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"}


def settings(**engine: str) -> Settings:
    content = {"history_start": date(2026, 1, 1), "cost_centers": [_CENTER], "engine": engine}
    return Settings.model_validate({**content, "source_file": Path("circleci_cost.toml")})


def test_a_server_that_counts_exactly_is_fine_and_duckdb_is_no_subject(spark: str) -> None:
    assert list(engine_findings(settings())) == []
    finding = Finding("engine", "ok", f"{spark} answers, and counts exactly")
    assert list(engine_findings(settings(name="spark-connect", url=spark))) == [finding]


def test_a_server_that_rounds_halves_to_even_is_an_error(spark: str) -> None:
    with Wire(
        spark, written=b"max(CAST(half AS DECIMAL(20, 2)))", instead=b"max(CAST(half AS DECIMAL(20, 3)))"
    ) as wire:
        (finding,) = engine_findings(settings(name="spark-connect", url=wire.url))
    assert (finding.state, finding.exit_code) == ("error", 1)
    assert "0.005 to two decimals is 0.005 as decimal(20,3) there, and 0.01 as decimal(20,2) here" in finding.sentence


def test_a_missing_token_has_the_exit_code_of_tokens() -> None:
    (finding,) = engine_findings(settings(name="spark-connect", url="sc://127.0.0.1:9", token_env="NO_SUCH_VARIABLE"))
    assert (finding.state, finding.exit_code) == ("error", 4)
