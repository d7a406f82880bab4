# SPDX-License-Identifier: Apache-2.0
"""S3 errors: their details, their classification for retries, and the message for the user.

The tables hold the general and the S3 entries of botocore's ``data/_retry.json``, the "standard"
mode of the AWS SDKs and Tools Reference Guide ("Retry behavior"), and the "List of error codes" of
the Amazon S3 API Reference; a line with another source names it.
"""

from __future__ import annotations

from collections.abc import Mapping

from libcloud.storage.error_details import CODE_LENGTH, MESSAGE_LENGTH, retry_after, word
from libcloud.storage.error_details import ErrorDetail as ErrorDetail
from libcloud.storage.error_details import attach_detail as attach_detail
from libcloud.storage.error_details import describe as describe
from libcloud.storage.error_details import printable as printable
from libcloud.storage.error_details import words_of as words_of
from libcloud.storage.s3.responses import parse_error
from libcloud.utils.headers import http_date

TRANSIENT_STATUSES = frozenset(
    {
        408,  # RFC 9110, 15.5.9: the request may be repeated; sent by proxies, S3 uses 400
        429,  # RFC 6585; Google, R2 and others throttle with it
        500,
        502,
        503,
        504,
        509,  # bandwidth limit exceeded: botocore's general retry table
    }
)

# The store requests a lower rate: botocore's list of throttling codes, and MinIO's.
THROTTLING_CODES = frozenset(
    """
    BandwidthLimitExceeded EC2ThrottledException PriorRequestNotComplete
    ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled
    RequestThrottledException SlowDown SlowDownRead SlowDownWrite ThrottledException Throttling
    ThrottlingException TooManyRequests TooManyRequestsException TransactionInProgressException
    """.split()
)

TRANSIENT_CODES = THROTTLING_CODES | {
    "BadDigest",  # botocore's S3 table: the body was damaged on its way, send it again
    "InternalError",
    "InternalServerError",
    "OperationAborted",  # 409: another operation on the bucket is in progress
    "RequestTimeTooSkewed",  # s5cmd; each attempt is signed again, with a new date
    "RequestTimeout",  # comes with 400: the body did not arrive in time
    "RequestTimeoutException",
    "ServiceUnavailable",
    "XAmzContentChecksumMismatch",  # as BadDigest, for a checksum in a header or after the data
    "XAmzContentSHA256Mismatch",  # as BadDigest, for the digest that signature 4 carries
}

# Errors that a retry does not change, whatever their status: moto and some gateways send 500, and
# an error of Complete comes with 200. After ConditionalRequestConflict (409), the whole upload has
# to be started again.
PERMANENT_CODES = frozenset(
    """
    AccessDenied AccountProblem AuthorizationHeaderMalformed BucketAlreadyExists
    BucketAlreadyOwnedByYou BucketNotEmpty ConditionalRequestConflict EntityTooLarge
    EntityTooSmall ExpiredToken IllegalLocationConstraintException InvalidAccessKeyId
    InvalidArgument InvalidBucketName InvalidDigest InvalidPart InvalidPartOrder InvalidRange
    InvalidRequest InvalidStorageClass InvalidToken KeyTooLongError MalformedXML
    MetadataTooLarge MethodNotAllowed NoSuchBucket NoSuchKey NoSuchUpload NotImplemented
    PermanentRedirect PreconditionFailed QuotaExceeded SignatureDoesNotMatch TooManyBuckets
    """.split()
)


def error_detail(status: int, headers: Mapping[str, str], body: bytes = b"") -> ErrorDetail:
    """The error in a response. Never raises, whatever the response contains."""
    lowered = {name.lower(): value for name, value in headers.items()}
    found = (parse_error(body) if body else None) or {}
    return ErrorDetail(
        status=status,
        code=printable(found.get("Code", ""), CODE_LENGTH),
        message=printable(found.get("Message", ""), MESSAGE_LENGTH),
        request_id=word(
            found.get("RequestId")
            or lowered.get("x-amz-request-id")
            or lowered.get("x-amzn-requestid")
        ),
        host_id=word(found.get("HostId") or lowered.get("x-amz-id-2")),
        region=word(lowered.get("x-amz-bucket-region") or found.get("Region")),
        retry_after=retry_after(lowered),
        date=http_date(lowered.get("date", "")),
        endpoint=word(found.get("Endpoint")),
    )


def is_transient(detail: ErrorDetail) -> bool:
    """Whether the same request may succeed if it is sent again.

    The code decides if the tables know it, else the status. An error within a 200 is transient
    unless its code says otherwise: Amazon S3 API Reference, "CompleteMultipartUpload".
    """
    if detail.code in PERMANENT_CODES:
        return False
    if detail.code in TRANSIENT_CODES:
        return True
    return detail.status in TRANSIENT_STATUSES or 200 <= detail.status < 300
