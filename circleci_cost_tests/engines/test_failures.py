"""What Spark's client raises, as one sentence that says what to do."""

import pytest
from grpc import RpcError, StatusCode
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from circleci_cost.engines.definition import Engine
from circleci_cost.engines.failures import EngineError, engine_failure
from circleci_cost.errors import AuthorizationError, TransientSourceError

_ENGINE = Engine(name="spark-connect", url="sc://spark:15002/;user_id=me", token_env="SPARK_TOKEN")
_UNCHANGED = "No costs were changed; the next run computes what is missing."


class _LostCall(RpcError):  # type: ignore[misc]
    def code(self) -> StatusCode:
        return StatusCode.UNAVAILABLE

    def __str__(self) -> str:
        return '<_MultiThreadedRendezvous of RPC that terminated with:\n\tdetails = "Socket closed"\n\tdebug = "…"\n>'


@pytest.mark.parametrize(
    ("status", "message", "kind", "expected"),
    [
        (
            StatusCode.UNAUTHENTICATED,
            "who are you?",
            AuthorizationError,
            "The engine at sc://spark:15002 asks for another token: renew the one in the variable SPARK_TOKEN.",
        ),
        (
            StatusCode.UNAVAILABLE,
            'failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:15002: Connection refused (111)"',
            TransientSourceError,
            "The engine at sc://spark:15002 does not answer (ipv4:10.0.0.1:15002: Connection refused (111)).",
        ),
        (
            StatusCode.INTERNAL,
            "[PATH_NOT_FOUND] Path does not exist: file:/lake/data.parquet. SQLSTATE: 42K03\n\nJVM stacktrace:\nat org",
            EngineError,
            "The engine at sc://spark:15002 does not see the job runs as they are here: [PATH_NOT_FOUND] Path does not "
            "exist: file:/lake/data.parquet. Let it reach the data directory under the same path, or write in [engine] "
            "as data_dir where it finds it.",
        ),
        (
            StatusCode.INTERNAL,
            "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012",
            EngineError,
            "The engine at sc://spark:15002 did not price the job runs: [DIVIDE_BY_ZERO] Division by zero.",
        ),
    ],
)
def test_a_server_says_why_it_did_not_price(
    status: StatusCode, message: str, kind: type[Exception], expected: str
) -> None:
    failure = engine_failure(_ENGINE, SparkConnectGrpcException(message, grpc_status_code=status))
    assert (type(failure), str(failure)) == (kind, f"{expected} {_UNCHANGED}")


def test_a_connection_that_is_lost_says_so_without_grpcs_text_for_developers() -> None:
    failure = engine_failure(_ENGINE, _LostCall())
    assert str(failure) == f"The engine at sc://spark:15002 does not answer (Socket closed). {_UNCHANGED}"


def test_a_server_that_wants_a_token_and_has_none_says_where_to_name_it() -> None:
    engine = Engine(name="spark-connect", url="sc://spark")
    failure = engine_failure(engine, SparkConnectGrpcException("no", grpc_status_code=StatusCode.UNAUTHENTICATED))
    assert "asks for another token: name it by token_env in [engine]." in str(failure)
