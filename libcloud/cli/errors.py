# SPDX-License-Identifier: Apache-2.0
"""From an exception to one line for people, and an exit status.

The line says what was tried, on what, what the store answered and what to do. It never holds a
secret: those in use are taken out of it whatever it is made of.
"""

from __future__ import annotations

import contextlib
import errno
import re
import shlex
from collections.abc import Iterator

from libcloud.cli.network import is_network, network_hint, network_text
from libcloud.cli.text import printable
from libcloud.common.credentials import CredentialsNotFoundError, MalformedCredentialsError
from libcloud.common.credentials.profiles import ProfileFileError
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
    "ExistsError",
    "NoCredentialsError",
    "NothingThereError",
    "ReportedError",
    "UnfitInputError",
    "about",
    "answer_of",
    "exit_status",
    "explain",
    "hint_for",
    "keep_out",
    "what_of",
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
_SECRET_LENGTH = 8

# Before what the store said, in the library's own messages.
_SAID = re.compile(r"(?:: Unknown error\.)?:? ?Status code: .*", re.DOTALL)

_HINTS = {
    "InvalidAccessKeyId": "the store does not know this access key: see libcloud doctor",
    "SignatureDoesNotMatch": "the secret does not belong to the key: see libcloud doctor",
    "RequestTimeTooSkewed": "set this machine's clock: see libcloud doctor",
    "ExpiredToken": "the session token has expired: obtain new credentials",
    "InvalidToken": "the session token is none of this key",
    "": "the credentials are wrong, or do not allow it: see libcloud doctor",
    "AccessDenied": "these credentials do not allow it: see libcloud doctor",
    "PreconditionFailed": "there is an object of this name, and it was not replaced",
    "NoSuchUpload": "the upload is finished or aborted: see libcloud uploads ls",
    "SlowDown": "the store is busy: try again later, or with --window 1",
    "EntityTooLarge": "the store does not take objects of this size",
    "BucketAlreadyExists": "choose another, unless libcloud ls shows that it is yours",
    "InvalidRange": "the range begins behind the end of the object",
}


NoCredentialsError = CredentialsNotFoundError
"""There is nothing to prove to the store who is asking."""


class ExistsError(LibcloudError):
    """There is an object of the name, and it must not be replaced."""


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
    # Shorter ones are none, and may be part of any word.
    _secrets.update(secret for secret in secrets if secret and len(secret) >= _SECRET_LENGTH)


def without_secrets(text: str) -> str:
    """``text``, safe to print."""
    for secret in _secrets:
        text = text.replace(secret, "(hidden)")
    return text


def exit_status(error: BaseException) -> int:
    """The exit status for an error; see ``main.py``."""
    if isinstance(error, ReportedError):
        return error.status
    if isinstance(error, ProfileFileError):
        return USAGE
    if isinstance(error, _ABSENT):
        return NOT_FOUND
    if isinstance(error, (NoCredentialsError, InvalidCredsError)) or _is_of_google(error):
        return ACCESS
    if isinstance(error, (UnfitInputError, types.SizeMismatchError)):
        return INPUT
    if is_network(error) or getattr(error, "status", None) in (429, 500, 502, 503, 504):
        return UNREACHABLE
    if getattr(error, "status", None) == 404:
        return NOT_FOUND
    return FAILED


def _is_of_google(error: BaseException) -> bool:
    """Whether Google gives no token; the class is not imported for it."""
    return any(kind.__name__ == "GoogleAuthError" for kind in type(error).__mro__)


def explain(error: BaseException) -> str:
    """One line that tells of ``error``."""
    subject = getattr(error, "cli_subject", "")
    what, hint = what_of(error), hint_for(error)
    named = subject.partition("://")[2] or subject
    line = f"{subject}: {what}" if subject and named not in what else what
    line = f"{line}. {hint[:1].upper()}{hint[1:]}" if hint else line
    return printable(without_secrets(" ".join(line.split("\n"))))


def what_of(error: BaseException) -> str:
    """What went wrong, without what it is about."""
    answer = answer_of(error)
    behind = f" ({answer})" if answer else ""
    if isinstance(error, NoCredentialsError):
        return f"no credentials: {error.value}"
    if isinstance(error, types.ContainerDoesNotExistError):
        return f"there is no container {error.container_name!r}{behind}"
    if isinstance(error, types.ObjectDoesNotExistError):
        return f"there is no object {error.object_name!r}{behind}"
    if isinstance(error, types.ContainerAlreadyExistsError):
        return f"the container {error.container_name!r} exists already{behind}"
    if isinstance(error, types.InvalidContainerNameError):
        if getattr(error, "code", None) == "BucketAlreadyExists":
            return f"the name {error.container_name!r} is taken{behind}"
        return f"no container can be called {error.container_name!r}{behind or f': {error.value}'}"
    if is_network(error):
        return network_text(error)
    if isinstance(error, LibcloudError):
        text = str(error.value or type(error).__name__)
        return _SAID.sub("", text).rstrip(".") + behind if answer else text
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return f"{str(error) or type(error).__name__}"


def hint_for(error: BaseException) -> str:
    """What to do about it; empty if nobody knows."""
    code = getattr(error, "code", None)
    scheme, place = _place_of(error)
    region = getattr(getattr(error, "detail", None), "region", None)
    if region and getattr(error, "status", None) in (301, 307, 400):
        return f"use --region {region}"
    if isinstance(error, NoCredentialsError):
        return error.hint
    if isinstance(error, MalformedCredentialsError):
        return "enter it again, without white space"
    if isinstance(error, types.ContainerDoesNotExistError):
        others = f"; or see which there are: libcloud ls {scheme}://" if scheme != "file" else ""
        return f"make it: libcloud mb {place}{others}"
    if isinstance(error, types.ObjectDoesNotExistError):
        return f"see what there is: libcloud ls {place}"
    if isinstance(error, types.ContainerIsNotEmptyError):
        return f"empty it: libcloud rm --recursive {place}; libcloud uploads clean {place}"
    if getattr(error, "errno", None) == errno.ENOSPC:
        return "free some space, and try again"
    if isinstance(error, types.ObjectTooLargeError):
        return "use a larger --part-size, or say the size by --expect-size"
    if is_network(error):
        return network_hint(error)
    if isinstance(error, InvalidCredsError):
        return _HINTS.get(str(code), _HINTS["AccessDenied" if code else ""])
    return _HINTS.get(str(code), "") if code else ""


def _place_of(error: BaseException) -> tuple[str, str]:
    """The scheme and the container that an error is about, as they stand in a command line."""
    scheme, _, rest = getattr(error, "cli_subject", "s3://CONTAINER").partition("://")
    inner = rest.partition("/")[0] or f"{rest.rpartition('/')[0]}/"  # of files: a directory
    return scheme, shlex.quote(f"{scheme}://{inner}")


def answer_of(error: BaseException) -> str:
    """What the store answered: status, code, message, request id."""
    detail = getattr(error, "detail", None)
    if detail is None:
        return ""
    code = ": ".join(word for word in (detail.code, detail.message) if word)
    said = [f"status {detail.status}", code, detail.request_id and f"request {detail.request_id}"]
    return ", ".join(word for word in said if word)
