# SPDX-License-Identifier: Apache-2.0
"""The errors of Azure Storage: their classification for retries, and their exceptions.

The tables hold the codes of the Azure Storage REST API, "Common REST API error codes" and "Blob
service error codes", that a client has to tell apart; others are judged by their status.
"""

from __future__ import annotations

from collections.abc import Mapping

from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.azure.responses import parse_error
from libcloud.storage.error_details import (
    CODE_LENGTH,
    MESSAGE_LENGTH,
    ErrorDetail,
    printable,
    retry_after,
    word,
    words_of,
)
from libcloud.storage.transfer.client import THROTTLED, failure_without_detail
from libcloud.storage.transfer.values import Failure
from libcloud.storage.types import (
    ConditionalConflictError,
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    InvalidObjectNameError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils.headers import http_date

_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

_TRANSIENT = frozenset(
    {
        "Crc64Mismatch",  # the body was damaged on its way
        "InternalError",
        "Md5Mismatch",
        "OperationTimedOut",
        "ServerBusy",
        "SystemInUse",
    }
)

# The store does not know the blocks of a list: another upload to the same blob has published it, or
# they are part of the blob already.
_BLOCKS_GONE = "InvalidBlockList"

_HINTS = {
    # Put Block: the ids of all blocks of a blob, also of unpublished ones, have one length.
    "InvalidBlobOrBlock": "another program may have sent blocks of this blob whose ids have "
    "another length; those that are not published expire within a week, or when the blob is "
    "written by one request",
    # Put Block, for one: only Put Blob, for a short stream, replaces a blob of another kind.
    "InvalidBlobType": "it is an append or page blob, which does not have this operation; a "
    "stream that is sent in blocks cannot replace it: delete it first",
}

_CONDITION_FAILED = frozenset(
    {
        "BlobAlreadyExists",  # 409: the response to If-None-Match: *
        "ConditionNotMet",
        "SourceConditionNotMet",
        "TargetConditionNotMet",
    }
)

_NO_CONTAINER = frozenset({"ContainerNotFound", "ContainerDisabled", "ContainerBeingDeleted"})
_BAD_NAME = frozenset({"InvalidResourceName", "OutOfRangeInput", "InvalidUri"})
_BAD_CREDENTIALS = frozenset({401, 403})


def error_detail(
    status: int, headers: Mapping[str, str], body: str | bytes | None = None
) -> ErrorDetail:
    """The error in a response; ``x-ms-error-code`` is present even without a body."""
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    code, message = parse_error(content) if content else ("", "")
    code = headers.get("x-ms-error-code") or code
    page = content.decode("utf-8", "replace")
    return ErrorDetail(
        status=status,
        code=printable(code, CODE_LENGTH),
        message=printable(message, MESSAGE_LENGTH) if code else words_of(page),
        request_id=word(headers.get("x-ms-request-id")),
        retry_after=retry_after(headers),
        date=http_date(headers.get("date", "")),
    )


def error_for(
    detail: ErrorDetail, text: str, driver: object, container_name: str, object_name: str
) -> LibcloudError:
    """The exception for an error of the store."""
    code, status = detail.code, detail.status
    if code in _HINTS:
        return LibcloudError(f"{text}: {_HINTS[code]}", driver)
    if code == "ContainerAlreadyExists":
        return ContainerAlreadyExistsError(text, driver, container_name)
    if code in _BAD_NAME and status == 400:
        if object_name:
            return InvalidObjectNameError(text, driver, object_name)
        return InvalidContainerNameError(text, driver, container_name)
    if code == "PendingCopyOperation":
        return ConditionalConflictError(text, driver, object_name)
    if code in _CONDITION_FAILED or status == 412:
        return PreconditionFailedError(text, driver, object_name)
    if code in _NO_CONTAINER or (status == 404 and container_name and not object_name):
        return ContainerDoesNotExistError(text, driver, container_name)
    if code == "BlobNotFound" or (status == 404 and object_name):
        return ObjectDoesNotExistError(text, driver, object_name)
    if status in _BAD_CREDENTIALS:
        return InvalidCredsError(text, driver)
    return LibcloudError(text, driver)


def failure_of(error: BaseException) -> Failure:
    """Classify an exception of a request."""
    detail = getattr(error, "detail", None)
    if not isinstance(detail, ErrorDetail):
        return failure_without_detail(error)
    transient = detail.code in _TRANSIENT or (
        detail.status in _TRANSIENT_STATUSES and detail.code not in _CONDITION_FAILED
    )
    return Failure(
        error,
        transient=transient,
        upload_gone=detail.code == _BLOCKS_GONE,
        condition_failed=detail.code in _CONDITION_FAILED or detail.status == 412,
        throttled=detail.status in THROTTLED or detail.code == "ServerBusy",
        retry_after=detail.retry_after,
    )
