"""Addresses of files in object stores: which stores there are, their options, and what is refused.

`lake.remote_files` reads from them.
"""

from urllib.parse import parse_qsl, urlsplit

# The options after the `?` of an address: pyarrow's, except those that hold a secret or create something.
OPTIONS = {
    "s3": ("region", "endpoint_override", "scheme"),
    "gs": ("endpoint_override", "scheme", "retry_limit_seconds", "project_id"),
    "az": ("blob_storage_authority", "blob_storage_scheme", "dfs_storage_authority", "dfs_storage_scheme"),
}
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or a managed identity",
}


def is_address(pattern: str) -> bool:
    """Whether a pattern names files in an object store, not on this machine."""
    return "://" in pattern


def check_address(pattern: str) -> None:
    """Refuse an address that cannot be read or that holds a secret; messages repeat no value, since it may be one."""
    if not pattern.strip():
        raise ValueError("an empty path in files; write a path, a glob or an address")
    if not is_address(pattern):
        return
    try:
        parts = urlsplit(pattern)
    except ValueError:
        raise ValueError(
            "files holds an address that cannot be read; write it like s3://bucket/folder/*.csv.gz"
        ) from None
    if parts.scheme not in OPTIONS:
        raise ValueError("files holds an address of another kind; there are s3://, gs:// and az://")
    if parts.password is not None:
        raise ValueError(
            "files holds an address with a password; take it out, and let the environment hold the credentials "
            f"({_CREDENTIALS[parts.scheme]})"
        )
    if not parts.hostname or not parts.path.strip("/"):
        raise ValueError("files holds an address without a path; write it like s3://bucket/folder/*.csv.gz")
    if parts.fragment:
        raise ValueError("files holds an address with #, which begins no path; write * for what differs")
    allowed = OPTIONS[parts.scheme]
    if any(name not in allowed for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ValueError(
            f"files holds an address with an option that is none; after ? there are {', '.join(allowed)}. Secrets are "
            f"read from the environment ({_CREDENTIALS[parts.scheme]})"
        )
