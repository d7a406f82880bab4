# SPDX-License-Identifier: Apache-2.0
"""From an exception to one line for people, and an exit status.

The line says what was tried, on what, what the store answered and what to do. It never holds a
secret: those in use are taken out of it whatever it is made of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from libcloud.cli.text import printable
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage import types

__all__ = [
    "ACCESS",
    "FAILED",
    "INPUT",
    "INTERRUPTED",
    "NOT_FOUND",
    "UNREACHABLE",
    "USAGE",
    "NoCredentialsError",
    "NothingThereError",
    "ReportedError",
    "UnfitInputError",
    "about",
    "exit_status",
    "explain",
    "keep_out",
    "without_secrets",
]

FAILED = 1
USAGE = 2
NOT_FOUND = 3
ACCESS = 4
UNREACHABLE = 5
INPUT = 6
INTERRUPTED = 130

_secrets: set[str] = set()

_HINTS = {
    "InvalidAccessKeyId": "the store does not know this access key: see libcloud doctor",
    "SignatureDoesNotMatch": "the secret does not belong to the key: see libcloud doctor",
    "RequestTimeTooSkewed": "set this machine's clock: see libcloud doctor",
    "ExpiredToken": "the session token has expired: obtain new credentials",
    "InvalidToken": "the session token is none of this key",
    "AccessDenied": "these credentials do not allow it: see libcloud doctor",
    "NoSuchUpload": "the upload is finished or aborted: see libcloud uploads ls",
    "SlowDown": "the store is busy: try again later, or with --window 1",
    "EntityTooLarge": "the store does not take objects of this size",
    "BucketAlreadyExists": "the name is somebody else's: choose another",
    "InvalidRange": "the range begins behind the end of the object",
}


class NoCredentialsError(LibcloudError):
    """There is nothing to prove to the store who is asking."""


class NothingThereError(LibcloudError):
    """No object has a name that begins so."""


class UnfitInputError(LibcloudError):
    """The input is not what the options promise; nothing was published."""


class ReportedError(Exception):
    """Something failed, and the user has been told.

    :param status: to exit with.
    """

    def __init__(self, status: int = FAILED) -> None:
        super().__init__(status)
        self.status = status


_ABSENT = (
    types.ContainerDoesNotExistError,
    types.ObjectDoesNotExistError,
    NothingThereError,
)


@contextlib.contextmanager
def about(subject: object) -> Iterator[None]:
    """Let errors of the block tell that they are about ``subject``; the innermost block wins."""
    try:
        yield
    except Exception as error:
        with contextlib.suppress(AttributeError):
            if not hasattr(error, "cli_subject"):
                error.cli_subject = str(subject)  # type: ignore[attr-defined]  # a note for explain()
        raise


def keep_out(*secrets: str | None) -> None:
    """Never print any of ``secrets``."""
    _secrets.update(secret for secret in secrets if secret)


def without_secrets(text: str) -> str:
    """``text``, safe to print."""
    for secret in _secrets:
        text = text.replace(secret, "(hidden)")
    return text


def exit_status(error: BaseException) -> int:
    """The exit status for an error; see ``main.py``."""
    if isinstance(error, ReportedError):
        return error.status
    if isinstance(error, _ABSENT):
        return NOT_FOUND
    if isinstance(error, (NoCredentialsError, InvalidCredsError)):
        return ACCESS
    if isinstance(error, (UnfitInputError, types.SizeMismatchError)):
        return INPUT
    if _is_network(error) or getattr(error, "status", None) in (429, 500, 502, 503, 504):
        return UNREACHABLE
    if getattr(error, "status", None) == 404:
        return NOT_FOUND
    return FAILED


def explain(error: BaseException) -> str:
    """One line that tells of ``error``."""
    subject = getattr(error, "cli_subject", "")
    what, hint = _what(error), _hint(error)
    line = f"{subject}: {what}" if subject else what
    line = f"{line}. {hint[:1].upper()}{hint[1:]}" if hint else line
    return printable(without_secrets(" ".join(line.split("\n"))))


def _what(error: BaseException) -> str:
    answer = _answer(error)
    behind = f" ({answer})" if answer else ""
    if isinstance(error, NoCredentialsError):
        return f"no credentials: {error.value}"
    if isinstance(error, types.ContainerDoesNotExistError):
        return f"there is no container {error.container_name!r}{behind}"
    if isinstance(error, types.ObjectDoesNotExistError):
        return f"there is no object {error.object_name!r}{behind}"
    if isinstance(error, types.ContainerAlreadyExistsError):
        return f"the container {error.container_name!r} exists already{behind}"
    if isinstance(error, LibcloudError) and isinstance(error, OSError):
        return _network_text(error)
    if isinstance(error, LibcloudError):
        text = str(error.value or type(error).__name__)
        return text if not answer or answer in text or "Status code" in text else text + behind
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return f"{str(error) or type(error).__name__}"


def _hint(error: BaseException) -> str:
    code = getattr(error, "code", None)
    region = getattr(getattr(error, "detail", None), "region", None)
    if region and getattr(error, "status", None) in (301, 307, 400):
        return f"use --region {region}"
    if isinstance(error, NoCredentialsError):
        return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --profile"
    if isinstance(error, types.ContainerDoesNotExistError):
        return "make it by libcloud mb, or see which there are by libcloud ls"
    if isinstance(error, types.ObjectDoesNotExistError):
        return "see what there is by libcloud ls"
    if isinstance(error, types.ContainerIsNotEmptyError):
        return "empty it by libcloud rm --recursive, and libcloud uploads clean"
    if isinstance(error, types.ObjectTooLargeError):
        return "use a larger --part-size, or say the size by --expect-size"
    if _is_network(error):
        return "is the endpoint right, and can this machine reach it? See libcloud doctor"
    if isinstance(error, InvalidCredsError):
        return _HINTS.get(str(code), _HINTS["AccessDenied"])
    return _HINTS.get(str(code), "")


def _answer(error: BaseException) -> str:
    """What the store answered: status, code, message."""
    detail = getattr(error, "detail", None)
    if detail is None:
        return ""
    from libcloud.storage.s3api.errors import describe

    return describe(detail)


def _is_network(error: BaseException) -> bool:
    return (
        isinstance(error, LibcloudError) and isinstance(error, OSError) and hasattr(error, "reason")
    )


def _network_text(error: Any) -> str:
    """What was tried, and the innermost reason: that of urllib3 repeats itself."""
    tried, _, _ = str(error.value).partition(": ")
    cause: Any = getattr(error, "reason", None)
    while isinstance(cause, BaseException):
        inner = getattr(cause, "reason", None) or next(iter(cause.args), None)
        if not isinstance(inner, BaseException):
            break
        cause = inner
    reason = getattr(cause, "strerror", None) or str(cause or "")
    reason = reason.rpartition(": ")[2] if "object at 0x" in reason else reason
    return f"{tried}: {reason}" if reason else str(error.value)
