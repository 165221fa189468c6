"""`[engine]` in a configuration: every mistake is a sentence, and no address holds a secret."""

from pathlib import Path

import pytest

from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.errors import ConfigurationError

_REST = """\
history_start = 2025-10-22
[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
"""
_SPARK = '[engine]\nname = "spark-connect"\n'
_CANARY = "dapi5f1eCANARY0123456789"
_HOW = "write the address of a Spark Connect server, such as sc://spark.example.com:15002."


def read(folder: Path, text: str) -> Settings:
    file = folder / "circleci_cost.toml"
    file.write_text(_REST + text)
    return read_settings(file)


def test_without_a_section_duckdb_prices(tmp_path: Path) -> None:
    assert not read(tmp_path, "").engine.is_server
    assert not read(tmp_path, '[engine]\nname = "duckdb"\n').engine.is_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("sc://localhost:15002", "sc://localhost:15002"),
        ("sc://spark.example.com", "sc://spark.example.com"),
        ("sc://[::1]:15002/", "sc://[::1]:15002"),
        ("sc://dbc-1.cloud.databricks.com:443/;use_ssl=true;x-databricks-cluster-id=1029-abc", None),
    ],
)
def test_an_address_is_shown_without_its_parameters(tmp_path: Path, url: str, server: str | None) -> None:
    keys = 'token_env = "SPARK_TOKEN"\ndata_dir = "s3a://bucket/lake/"\ntimeout_minutes = 5\n'
    engine = read(tmp_path, f'{_SPARK}url = "{url}"\n{keys}').engine
    assert (engine.url, engine.token_env, engine.data_dir) == (url, "SPARK_TOKEN", "s3a://bucket/lake")
    assert engine.server == (server or "sc://dbc-1.cloud.databricks.com:443")


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (_SPARK, f"engine: url is missing; {_HOW}"),
        ('[engine]\nurl = "sc://spark:15002"', 'url is of no use to DuckDB; write name = "spark-connect", or leave it'),
        ('[engine]\nname = "sparkconnect"', "engine.name = sparkconnect: input should be 'duckdb' or 'spark-connect'."),
        (f'{_SPARK}url = "sc://spark"\ntokenenv = "A"', "unknown key 'engine.tokenenv'; did you mean 'token_env'?"),
        (f'{_SPARK}url = "spark:15002"', f"engine.url: {_HOW}"),
        (f'{_SPARK}url = "sc://spark:0"', f"engine.url: {_HOW}"),
        (f'{_SPARK}url = "sc://spark:70000"', f"engine.url: {_HOW}"),
        (f'{_SPARK}url = "sc://spark:15002/lake"', f"engine.url: {_HOW}"),
        (f'{_SPARK}url = "sc://spark/;use_tls=true"', "'use_tls' is no parameter of it; did you mean 'use_ssl'?"),
        (f'{_SPARK}url = "sc://spark/;use_ssl"', "the parameter use_ssl has no value; write use_ssl=value."),
        (f'{_SPARK}url = "sc://spark/;token={_CANARY}"', "engine.url: a token in it would be read by others; put it"),
        (f'{_SPARK}url = "sc://me:{_CANARY}@spark"', "there is a user name or password in it; put the token into a"),
        (f'{_SPARK}url = "sc://spark"\ntoken_env = "{_CANARY}"', "write the name of an environment variable"),
        (f'{_SPARK}url = "sc://spark"\ndata_dir = "lake"', "write a whole path such as /mnt/circleci_cost, or an"),
        (f'{_SPARK}url = "sc://spark"\ndata_dir = "s3://a:{_CANARY}@lake"', "there is a secret in it; give the engine"),
        (f'{_SPARK}url = "sc://spark"\ntimeout_minutes = 0', "engine.timeout_minutes = 0: input should be greater"),
    ],
)
def test_a_mistake_is_one_sentence_without_a_secret(tmp_path: Path, section: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, section)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _CANARY not in str(caught.value)


@pytest.mark.parametrize("folder", ["/mnt/lake", "dbfs:/Volumes/finops/lake", "abfss://lake@account.dfs.core.net/ci"])
def test_the_data_directory_may_be_elsewhere_for_the_engine(tmp_path: Path, folder: str) -> None:
    assert read(tmp_path, f'{_SPARK}url = "sc://spark"\ndata_dir = "{folder}"').engine.data_dir == folder
