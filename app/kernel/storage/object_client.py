"""The client of an object store: time limits, few attempts, errors as ``StorageUnavailable``, and metrics."""

from __future__ import annotations

import atexit
import contextlib
import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn

import certifi
import structlog
from prometheus_client import Counter, Histogram

from app.kernel.storage.file_store import StorageUnavailable

if TYPE_CHECKING:
    from app.storage_settings import Bucket, StorageSettings

log = structlog.get_logger(__name__)
#: Seconds for a connection and for each wait for bytes; attempts of a request that failed.
CONNECT_TIMEOUT, READ_TIMEOUT, ATTEMPTS = 2, 5, 3
#: The same for a check of health, which is asked for every few seconds.
CHECK_TIMEOUT = 1
_CONNECTIONS = 50
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
REQUEST_SECONDS = Histogram(
    "hub_storage_seconds",
    "How long requests to the object store took, with all attempts.",
    ["operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
FAILURES = Counter("hub_storage_failures_total", "Requests to the object store that failed finally.", ["operation"])


def make_client(bucket: Bucket, settings: StorageSettings, *, for_checks: bool = False) -> Any:
    """A client of boto3. The library is loaded here, because most installations store files in a folder."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    own = {"aws_access_key_id": settings.access_key, "aws_secret_access_key": settings.secret_key}
    keys = own if settings.access_key and not bucket.profile else {}
    config = Config(
        connect_timeout=CHECK_TIMEOUT if for_checks else CONNECT_TIMEOUT,
        read_timeout=CHECK_TIMEOUT if for_checks else READ_TIMEOUT,
        retries={"total_max_attempts": 1 if for_checks else ATTEMPTS, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        s3={"addressing_style": bucket.addressing},
        # Every file has a SHA-256 of its own; stores that do not know the other checksums of AWS refuse them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
        user_agent_appid="invoice-hub",
    )
    session = boto3.session.Session(profile_name=bucket.profile)
    region = bucket.region or session.region_name or "us-east-1"
    verify = _ca_bundle(str(settings.ca_file)) if settings.ca_file else True
    return session.client(
        "s3", region_name=region, endpoint_url=bucket.endpoint_url, config=config, verify=verify, **keys
    )


@contextlib.contextmanager
def request_to_store(operation: str, *, is_of_bucket: bool = False) -> Iterator[None]:
    """Measure a request, and raise its error as the store's users know it.

    Args:
        operation: what the metrics and the log call it.
        is_of_bucket: it asks for the bucket itself; the answer "not found" says nothing about a file.

    Raises:
        FileNotFoundError: there is no such file.
        StorageUnavailable: the store does not answer, or refuses the hub.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    started = time.perf_counter()
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "")) or "unknown"
        if code not in _MISSING:
            _fail(operation, code, error)
        if is_of_bucket:
            _fail(operation, "NoSuchBucket", error)
        raise FileNotFoundError(operation) from None
    except (BotoCoreError, HTTPError, OSError) as error:
        _fail(operation, type(error).__name__, error)
    finally:
        REQUEST_SECONDS.labels(operation).observe(time.perf_counter() - started)


def _fail(operation: str, reason: str, error: Exception) -> NoReturn:
    """The texts of the library may name addresses with signatures, so only the kind of the error is told."""
    FAILURES.labels(operation).inc()
    log.error("storage_unavailable", operation=operation, reason=reason)
    raise StorageUnavailable(reason=f"{operation}: {reason}") from error


@cache
def _ca_bundle(ca_file: str) -> str:
    """A file with the authorities of ``certifi`` and those of the settings: the library takes one file only.

    It has no name in the file system where the system can do that, so that nothing is left and nobody can exchange it.
    """
    content = Path(certifi.where()).read_bytes() + b"\n" + Path(ca_file).read_bytes()
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("hub-ca")  # it stays open as long as the process, and children inherit it
        os.write(descriptor, content)
        return f"/proc/self/fd/{descriptor}"
    with NamedTemporaryFile("wb", prefix="hub-ca-", suffix=".pem", delete=False) as bundle:
        bundle.write(content)
    atexit.register(Path(bundle.name).unlink, missing_ok=True)
    return bundle.name
