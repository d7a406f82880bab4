# SPDX-License-Identifier: Apache-2.0
"""Turns an exception into a one-line message, without secrets, and an exit status."""

from __future__ import annotations

import contextlib
import errno
import re
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from libcloud.cli.text import printable
from libcloud.common.credentials import CredentialsNotFoundError, MalformedCredentialsError
from libcloud.common.credentials.provider import ProfileFileError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage import types

FAILED = 1
USAGE = 2
NOT_FOUND = 3
ACCESS = 4
UNREACHABLE = 5
INPUT = 6
INTERRUPTED = 130

_secrets: set[str] = set()
_SECRET_LENGTH = 8

# The start of the store's response in the library's own messages.
_STATUS_TEXT = r"(?s)(?:: Unknown error\.)?:? ?Status code: .*"

_HINTS = {
    "InvalidAccessKeyId": "the store does not know this access key: run libcloud doctor",
    "SignatureDoesNotMatch": "the secret key does not match the access key: run libcloud doctor",
    "RequestTimeTooSkewed": "set the clock of this machine: run libcloud doctor",
    "ExpiredToken": "the session token has expired: obtain new credentials",
    "InvalidToken": "the session token does not belong to the access key",
    "": "the credentials are wrong or do not allow this: run libcloud doctor",
    "AccessDenied": "the credentials do not allow this: run libcloud doctor",
    "BlobAlreadyExists": "the object was not replaced",
    "PreconditionFailed": "the object already exists and was not replaced",
    "NoSuchUpload": "the upload was completed or aborted: see libcloud uploads ls",
    "SlowDown": "the store is overloaded: try again later, or use --window 1",
    "EntityTooLarge": "the store does not accept objects of this size",
    "BucketAlreadyExists": "choose another name, unless libcloud ls lists the bucket as yours",
    "InvalidRange": "the range starts after the end of the object",
}


class ObjectExistsError(LibcloudError):
    """The object already exists and must not be replaced."""


class NoObjectsError(LibcloudError):
    """No object matches the URL."""


class ProgramError(Exception):
    """The program could not be started or failed; ``status`` is what a shell reports."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class InputError(LibcloudError):
    """The input does not match the options; nothing was stored."""


class ReportedError(Exception):
    """An error that was already printed, and its exit status."""

    def __init__(self, status: int = FAILED) -> None:
        super().__init__(status)
        self.status = status


_NOT_FOUND_ERRORS = (
    types.ContainerDoesNotExistError,
    types.ObjectDoesNotExistError,
    NoObjectsError,
)


@contextlib.contextmanager
def on_error(handle: Callable[..., object], *arguments: Any, **keywords: Any) -> Iterator[None]:
    """Call ``handle`` with the exception that ends the block, and with ``arguments``."""
    try:
        yield
    except BaseException as error:
        handle(error, *arguments, **keywords)
        raise


def set_subject(error: BaseException, subject: object) -> None:
    """Make the message of ``error`` name ``subject``, unless it has a subject already."""
    with contextlib.suppress(AttributeError):
        if not hasattr(error, "cli_subject"):
            error.cli_subject = str(subject)  # type: ignore[attr-defined]  # for error_line()


error_context = partial(on_error, set_subject)
"""Make error messages in the block name a subject; the innermost block wins."""


def set_file_name(error: BaseException, path: str) -> None:
    """Make ``error`` name ``path``, if it is one of the file system."""
    is_other = isinstance(error, (LibcloudError, BrokenPipeError))
    if isinstance(error, OSError) and not is_other and error.errno is not None:
        error.filename = path


errors_name = partial(on_error, set_file_name)
"""Make write errors in the block name a path instead of the staging file."""


def hide_secrets(*secrets: str | None) -> None:
    for secret in secrets:
        # Shorter strings are not secrets, and could be part of any word.
        if secret and len(secret) >= _SECRET_LENGTH:
            _secrets.add(secret)


def redact(text: str) -> str:
    for secret in _secrets:
        text = text.replace(secret, "(hidden)")
    return text


def exit_status(error: BaseException) -> int:
    if isinstance(error, (ReportedError, ProgramError)):
        return error.status
    if isinstance(error, ProfileFileError):
        return USAGE
    if isinstance(error, _NOT_FOUND_ERRORS):
        return NOT_FOUND
    is_denied = isinstance(error, (CredentialsNotFoundError, InvalidCredsError))
    if is_denied or _has_class([error], "GoogleAuthError"):
        return ACCESS
    if isinstance(error, (InputError, types.SizeMismatchError)):
        return INPUT
    status = getattr(error, "status", None)
    if is_network_error(error) or status in (429, 500, 502, 503, 504):
        return UNREACHABLE
    return NOT_FOUND if status == 404 else FAILED


def error_line(error: BaseException) -> str:
    subject = getattr(error, "cli_subject", "")
    text, hint = describe(error), hint_for(error)
    name = subject.partition("://")[2] or subject
    line = f"{subject}: {text}" if subject and name not in text else text
    line = f"{line}. {hint[:1].upper()}{hint[1:]}" if hint else line
    return printable(redact(" ".join(line.split("\n"))))


def describe(error: BaseException) -> str:
    """The message of an error, without the URL and the hint."""
    response = store_response(error)
    suffix = f" ({response})" if response else ""
    if isinstance(error, CredentialsNotFoundError):
        return f"no credentials: {error.value}"
    if isinstance(error, types.ContainerDoesNotExistError):
        return f"bucket {error.container_name!r} does not exist{suffix}"
    if isinstance(error, types.ObjectDoesNotExistError):
        return f"object {error.object_name!r} does not exist{suffix}"
    if isinstance(error, types.ContainerAlreadyExistsError):
        return f"bucket {error.container_name!r} already exists{suffix}"
    if isinstance(error, types.ContainerIsNotEmptyError):
        return f"bucket {error.container_name!r} is not empty{suffix}"
    if isinstance(error, types.InvalidContainerNameError):
        if getattr(error, "code", None) == "BucketAlreadyExists":
            return f"the bucket name {error.container_name!r} is taken{suffix}"
        return f"invalid bucket name {error.container_name!r}{suffix or f': {error.value}'}"
    if is_network_error(error):
        return network_problem(error)[0]
    if isinstance(error, LibcloudError) and isinstance(error, FileExistsError):
        return f"{error.args[0]}: the file exists and was not replaced (--no-clobber)"
    if isinstance(error, LibcloudError):
        text = str(error.value or type(error).__name__)
        return re.sub(_STATUS_TEXT, "", text).rstrip(".") + suffix if response else text
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return str(error) or type(error).__name__


def hint_for(error: BaseException) -> str:
    code = getattr(error, "code", None)
    scheme, bucket_url = _bucket_url(error)
    region = getattr(getattr(error, "detail", None), "region", None)
    if region and getattr(error, "status", None) in (301, 307, 400):
        return f"use --region {region}"
    if isinstance(error, CredentialsNotFoundError):
        return error.hint
    if isinstance(error, MalformedCredentialsError):
        return "enter it again, without white space"
    if isinstance(error, types.ContainerDoesNotExistError):
        others = f"; or list your buckets: libcloud ls {scheme}://" if scheme != "file" else ""
        return f"create it: libcloud mb {bucket_url}{others}"
    url, of_version, _ = getattr(error, "cli_subject", "").partition(" (version ")
    if of_version and getattr(error, "status", None) in (400, 404, 405):
        return f"list the versions: libcloud ls --versions {shlex.quote(url)}"
    if isinstance(error, types.ObjectDoesNotExistError):
        if "(delete marker " in str(error.value):
            return f"it was deleted and can be restored: libcloud undelete {shlex.quote(url)}"
        return f"list the objects: libcloud ls {bucket_url}"
    if isinstance(error, types.ContainerIsNotEmptyError):
        lists_uploads = getattr(getattr(error.driver, "capabilities", None), "list_uploads", False)
        clean = f"; libcloud uploads clean {bucket_url}" if lists_uploads else ""
        return f"empty it: libcloud rm --recursive {bucket_url}{clean}"
    if getattr(error, "errno", None) == errno.ENOSPC:
        return "free some space and try again"
    if isinstance(error, types.ObjectTooLargeError):
        return "use a larger --part-size, or pass the size with --expect-size"
    if is_network_error(error):
        return network_problem(error)[1]
    if isinstance(error, InvalidCredsError):
        return _HINTS.get(str(code), _HINTS["AccessDenied" if code else ""])
    return _HINTS.get(str(code), "") if code else ""


def _bucket_url(error: BaseException) -> tuple[str, str]:
    """The scheme of the error's URL, and the URL of its bucket, quoted for a shell."""
    scheme, _, rest = getattr(error, "cli_subject", "s3://BUCKET").partition("://")
    bucket = rest.partition("/")[0] or f"{rest.rpartition('/')[0]}/"  # file:///: the directory
    return scheme, shlex.quote(f"{scheme}://{bucket}")


def store_response(error: BaseException) -> str:
    """Status, code, message and request id of the store's response."""
    detail = getattr(error, "detail", None)
    if detail is None:
        return ""
    # The message of Azure repeats the request id and the time on further lines.
    lines = [(word or "").partition("\n")[0].rstrip(".") for word in (detail.code, detail.message)]
    code = ": ".join(filter(None, lines))
    facts = [f"status {detail.status}", code, detail.request_id and f"request {detail.request_id}"]
    return ", ".join(fact for fact in facts if fact)


# OpenSSL's reasons when the response to its ClientHello is not TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")

_CHECK_ENDPOINT = "check the endpoint and the network connection, or run libcloud doctor"
_TRY_AGAIN = "try again; if the error persists, check the endpoint or run libcloud doctor"


def is_network_error(error: BaseException) -> bool:
    """Whether no response arrived, or only part of one."""
    # A request that cannot be built (a bad header or URL) is also a ValueError.
    if not isinstance(error, LibcloudError) or isinstance(error, ValueError):
        return False
    return _has_class([error], "NetworkError")


def network_problem(error: Any) -> tuple[str, str]:
    """What was attempted, the host and the innermost cause; and advice."""
    attempted = str(error.value).removesuffix(f": {error.reason}")
    host, causes = _host_and_port(error), [*_causes(error.reason)]
    if not causes:
        return str(error.value), _TRY_AGAIN
    cause = causes[-1]
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    why = why.rpartition(": ")[2] if "object at 0x" in why else why
    if _has_class([cause], "SSLCertVerificationError"):
        message = getattr(cause, "verify_message", "")
        return (
            f"{attempted}: the certificate of {host} is not trusted: {message}",
            "to trust a private certificate authority, set AWS_CA_BUNDLE or SSL_CERT_FILE",
        )
    if _has_class([cause], "SSLError") and any(reason in str(cause) for reason in _NOT_TLS):
        return (
            f"{attempted}: {host} does not use https",
            "use http:// in the endpoint URL if that is intended",
        )
    if _has_class(causes, "ProxyError"):
        what = f"the proxy for {host} cannot be used: {why}"
        return f"{attempted}: {what}", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    unconnected = _has_class(causes, "NewConnectionError", "ConnectTimeout", "ConnectTimeoutError")
    if _has_class([cause], "gaierror"):
        what = f"host {urlsplit(f'//{host}').hostname} not found"
    elif _has_class(causes, "ReadTimeout", "ReadTimeoutError"):
        what = f"timed out waiting for {host}"
    elif unconnected:
        what = f"cannot connect to {host}"
    elif _has_class([cause], "ConnectionError", "HTTPException", "SSLError"):
        what = f"the connection to {host} was lost"
    else:
        what = host
    return f"{attempted}: {what}: {why}", _CHECK_ENDPOINT if unconnected else _TRY_AGAIN


def _causes(error: object) -> Iterator[BaseException]:
    """``error`` and its chain of causes, the innermost last. Libraries store it in three ways."""
    while isinstance(error, BaseException):
        yield error
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        cause = error.__cause__
        if type(error).__name__ == "NewConnectionError":  # urllib3 1.26 sets no cause
            cause = cause or error.__context__
        error = getattr(error, "reason", None) or next(iter(inner), None) or cause


def _has_class(causes: list[BaseException], *names: str) -> bool:
    """Whether one of ``causes`` has a class of that name, which is not imported for this."""
    return any(cls.__name__ in names for cause in causes for cls in type(cause).__mro__)


def _host_and_port(error: Any) -> str:
    """Host and port only: the rest of the URL may contain a signature."""
    url = urlsplit(str(getattr(getattr(error, "request", None), "url", "") or ""))
    try:
        port = f":{url.port}" if url.port else ""
    except ValueError:
        port = ""
    return f"{url.hostname}{port}" if url.hostname else "the store"
