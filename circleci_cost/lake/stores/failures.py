"""Turns what an object store or its client answers into one sentence, and tells absence from failure.

The library's own texts are never shown: they quote whole addresses, which may be signed.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.addresses import CONTAINER_WORDS, STORE_NAMES

Doing = Literal["read", "write", "list", "remove"]
_STATUS = re.compile(r"status code: (\d{3})")
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist", re.I)
_REFUSALS = ("PermissionDeniedError", "UnauthenticatedError")
_REFUSED = re.compile(r"AccessDenied|AuthorizationPermissionMismatch|AuthorizationFailure|permission to perform", re.I)
# The client asks the machine's metadata service where the environment has no credentials, and takes its answer for the
# store's.
_NO_CREDENTIALS = re.compile(r"/latest/api/token|/latest/meta-data|/computeMetadata/|/metadata/identity|token request")
_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, or a role)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS (or a service account of the machine)",
    "az": "AZURE_STORAGE_ACCOUNT_NAME with a key, a SAS token or an identity (AZURE_…)",
}


class ChangedMeanwhileError(StorageError):
    """Another process has written an object since it was read; nothing was replaced."""


class UnclearWriteError(StorageError):
    """A write was not answered: it may or may not have happened."""


def changed_meanwhile(name: str) -> ChangedMeanwhileError:
    """The error for an object that was changed between reading and replacing it."""
    return ChangedMeanwhileError(
        f"Another process changed {name} meanwhile; nothing was replaced. Run the same command again."
    )


@contextmanager
def store_errors(address: str, doing: Doing) -> Iterator[None]:
    """Turn errors of the store into `StorageError`, and an absent object into `FileNotFoundError`.

    `AlreadyExistsError` and `PreconditionError` become `ChangedMeanwhileError`. `address` names the object.
    """
    from obstore import exceptions

    try:
        yield
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise changed_meanwhile(address) from None
    except (exceptions.BaseError, FileNotFoundError) as error:
        raise explained(address, doing, error) from None


def explained(address: str, doing: Doing, error: Exception) -> Exception:
    """The error to raise in place of the library's."""
    words = str(error)
    scheme, _, rest = address.partition("://")
    bucket = f"{scheme}://{rest.partition('/')[0]}"
    container, store = CONTAINER_WORDS.get(scheme, "bucket"), STORE_NAMES.get(scheme, "the object store")
    if _NO_CREDENTIALS.search(words.partition("<")[0]):
        return StorageError(
            f"There are no credentials for {bucket} in this environment; nothing was changed. Set {_VARIABLES[scheme]}."
        )
    status = int(match.group(1)) if (match := _STATUS.search(words)) else 0
    if _NO_BUCKET.search(words) or (status == 404 and doing in ("write", "list")):
        return StorageError(
            f"There is no {container} {bucket} (or these credentials may not see it); nothing was changed. Make it, or "
            "correct data_dir, then run the same command again."
        )
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), address)
    # To remove objects, some stores answer 200 with an error for each object.
    if status in (401, 403) or type(error).__name__ in _REFUSALS or _REFUSED.search(words):
        return StorageError(
            f"{store} does not let these credentials {doing} {address} (HTTP {status or 403}); what was there before "
            f"is untouched. Let them read, write, list and remove below data_dir, or correct {_VARIABLES[scheme]}."
        )
    if status in (301, 307, 400) and scheme == "s3":
        return StorageError(
            f"{store} does not take a request to {doing} {address} (HTTP {status}); what was there before is "
            f"untouched. Set AWS_REGION to the region of {bucket}, and AWS_ENDPOINT_URL for a store that is not AWS."
        )
    what = f"failed (HTTP {status})" if status else "did not answer in time or cannot be reached"
    kind = UnclearWriteError if doing == "write" else StorageError
    return kind(
        f"Cannot {doing} {address}: {store} {what}; nothing was lost. Run the same command again when it answers"
        f"{' (AWS_ENDPOINT_URL says where it is)' if scheme == 's3' and not status else ''}."
    )
