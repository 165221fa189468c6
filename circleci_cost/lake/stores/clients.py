"""Opens object stores: one client per bucket and process, with hard deadlines, credentials from the environment.

The library (`obstore`) is an optional extra and is loaded only where an address is used.
"""

import functools
import importlib.util
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from circleci_cost.errors import ConfigurationError, StorageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

EXTRA = "object-stores"
# One request, its answer's body included. The pieces of large objects are bounded, so that a slow line passes.
_SECONDS = 30
_CONNECT_SECONDS = 5
# A request that fails is repeated for this long in all. An object sent whole may take longer than others.
_RETRY_SECONDS = 60
_RETRIES = 4
_WHOLE_OBJECT_SECONDS = 600
# The variables of the stores' own SDKs for a store that is not at its usual address.
_ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST", "az": "AZURE_STORAGE_ENDPOINT"}


def client(scheme: str, bucket: str, *, whole_objects: bool = False) -> "ObjectStore":
    """Return the client of a bucket; with `whole_objects` one request may take ten minutes.

    Raises `ConfigurationError` where the extra is not installed, and `StorageError` where the environment's settings
    make no client.
    """
    if importlib.util.find_spec("obstore") is None:
        raise ConfigurationError(
            f"data_dir is in an object store ({scheme}://{bucket}), and the package for that is not installed; "
            f"run `pip install 'circleci_cost[{EXTRA}]'`, or use a folder as data_dir."
        )
    if os.getpid() != _process():
        # The library's threads do not live on in a forked process, where it would wait for ever.
        raise RuntimeError("an object store was opened before this process was forked; start a new process instead")
    seconds = _WHOLE_OBJECT_SECONDS if whole_objects else _SECONDS
    return _client(scheme, bucket, seconds, os.environ.get(_ENDPOINTS[scheme], ""))


@functools.cache
def _process() -> int:
    """The process that opened the first client."""
    return os.getpid()


@functools.cache
def _client(scheme: str, bucket: str, seconds: int, endpoint: str) -> "ObjectStore":
    from obstore import exceptions
    from obstore.store import AzureStore, GCSStore, S3Store

    options: Mapping[str, Any] = {
        "client_options": {
            "timeout": f"{seconds}s",
            "connect_timeout": f"{min(seconds, _CONNECT_SECONDS)}s",
            "allow_http": endpoint.startswith("http://"),
        },
        "retry_config": {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=min(seconds, _RETRY_SECONDS)),
            "backoff": {"max_backoff": timedelta(seconds=5)},
        },
    }
    try:
        match scheme:
            case "s3":
                return S3Store(bucket, **options, **_of_profile())
            case "gs":
                return GCSStore(bucket, **options, **_of_emulator(endpoint))
            case _:
                return AzureStore(bucket, **options)
    except (exceptions.BaseError, ValueError) as error:
        raise StorageError(
            f"No client for {scheme}://{bucket} can be made from this environment ({type(error).__name__}); nothing "
            "was changed. Check the variables of the store (AWS_…, GOOGLE_… or AZURE_…)."
        ) from None


def _of_emulator(endpoint: str) -> dict[str, Any]:
    """What the client needs for an emulator of Google Cloud Storage, which asks for no credentials."""
    if not endpoint:
        return {}
    key = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return {"service_account_key": json.dumps(key)}


def _of_profile() -> dict[str, Any]:
    """The credentials of AWS_PROFILE, which only boto3 reads; anything else in the environment is the client's own."""
    profile = os.environ.get("AWS_PROFILE")
    if not profile or os.environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    if importlib.util.find_spec("boto3") is None:
        raise ConfigurationError(
            "AWS_PROFILE is set, and reading profiles takes the package boto3; run `pip install boto3`, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    import boto3.session
    import botocore.exceptions
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return {"credential_provider": Boto3CredentialProvider(boto3.session.Session(profile_name=profile))}
    except (botocore.exceptions.BotoCoreError, ValueError):
        raise ConfigurationError(
            "The profile that AWS_PROFILE names has no credentials in ~/.aws; correct it, or log in again."
        ) from None
