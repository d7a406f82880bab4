# SPDX-License-Identifier: Apache-2.0
"""Which bucket and operation a request is for, by its host and path, and what to call for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from libcloud.test.storage.fakes import (
    buckets,
    copying,
    listing,
    multipart,
    objects,
    settings,
    versions,
)
from libcloud.test.storage.fakes.errors import S3Error, invalid_request, not_implemented
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.state import Call
from libcloud.test.storage.fakes.wire import Answer, Incoming

OPERATIONS: dict[str, Callable[[Call], Answer]] = {
    "ListBuckets": buckets.list_buckets,
    "CreateBucket": buckets.create_bucket,
    "HeadBucket": buckets.head_bucket,
    "DeleteBucket": buckets.delete_bucket,
    "GetBucketLocation": buckets.get_location,
    "ListObjects": listing.list_objects_v1,
    "ListObjectsV2": listing.list_objects_v2,
    "ListMultipartUploads": listing.list_uploads,
    "ListParts": listing.list_parts,
    "PutObject": objects.put_object,
    "GetObject": objects.get_object,
    "HeadObject": objects.head_object,
    "DeleteObject": objects.delete_object,
    "DeleteObjects": objects.delete_objects,
    "CopyObject": copying.copy_object,
    "CreateMultipartUpload": multipart.create_upload,
    "UploadPart": multipart.upload_part,
    "UploadPartCopy": copying.copy_part,
    "CompleteMultipartUpload": multipart.complete_upload,
    "AbortMultipartUpload": multipart.abort_upload,
    "ListObjectVersions": versions.list_versions,
    "GetBucketVersioning": settings.get_versioning,
    "PutBucketVersioning": settings.put_versioning,
    "GetBucketLifecycleConfiguration": settings.get_lifecycle,
    "PutBucketLifecycleConfiguration": settings.put_lifecycle,
    "DeleteBucketLifecycle": settings.delete_lifecycle,
    "GetObjectTagging": settings.get_tags,
    "PutObjectTagging": settings.put_tags,
    "DeleteObjectTagging": settings.delete_tags,
    "GetObjectLegalHold": settings.get_legal_hold,
    "PutObjectLegalHold": settings.put_legal_hold,
    "GetObjectRetention": settings.get_retention,
    "PutObjectRetention": settings.put_retention,
}

# Subresources of buckets and of objects, by method.
_OF_BUCKETS = {
    "versioning": {"GET": "GetBucketVersioning", "PUT": "PutBucketVersioning"},
    "lifecycle": {
        "GET": "GetBucketLifecycleConfiguration",
        "PUT": "PutBucketLifecycleConfiguration",
        "DELETE": "DeleteBucketLifecycle",
    },
}
_OF_OBJECTS = {
    "tagging": {
        "GET": "GetObjectTagging",
        "PUT": "PutObjectTagging",
        "DELETE": "DeleteObjectTagging",
    },
    "legal-hold": {"GET": "GetObjectLegalHold", "PUT": "PutObjectLegalHold"},
    "retention": {"GET": "GetObjectRetention", "PUT": "PutObjectRetention"},
}

# What a request with x-amz-copy-source is.
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}

# Sub-resources that exist on Amazon S3 and not here.
_FOREIGN = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "attributes",
        "cors",
        "encryption",
        "inventory",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "select",
        "torrent",
        "website",
    ]
)


def split_path(request: Incoming) -> tuple[str, str]:
    """Bucket and key of the decoded path; nothing in the key is normalised.

    :raises S3Error: the path is not UTF-8 or the key too long.
    """
    bucket, _, key = request.path[1:].partition(b"/")
    if len(key) > 1024:
        raise S3Error(400, "KeyTooLongError", "Your key is too long")
    try:
        return bucket.decode("utf-8"), key.decode("utf-8")
    except UnicodeDecodeError:
        raise S3Error(400, "InvalidURI", "Couldn't parse the specified URI.") from None


def operation_of(request: Incoming) -> str:
    """The name Amazon S3 gives to the operation; ``"Unknown"`` for anything else."""
    bucket, _, key = request.path[1:].partition(b"/")
    query = request.query
    if not request.path.startswith(b"/") or _FOREIGN & query.keys():
        return "Unknown"
    if not bucket:
        return "ListBuckets" if request.method == "GET" and not key else "Unknown"
    if not key:
        return _bucket_operation(request.method, query)
    operation = _object_operation(request.method, query)
    if request.header("x-amz-copy-source") is not None:
        return _COPIES.get(operation, operation)
    return operation


def _bucket_operation(method: str, query: dict[str, str]) -> str:
    if "delete" in query:
        return "DeleteObjects" if method == "POST" else "Unknown"
    for name, operations in _OF_BUCKETS.items():
        if name in query:
            return operations.get(method, "Unknown")
    if method == "GET":
        if "versions" in query:
            return "ListObjectVersions"
        if "uploads" in query:
            return "ListMultipartUploads"
        if "location" in query:
            return "GetBucketLocation"
        return "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects"
    names = {"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket"}
    return names.get(method, "Unknown")


def _object_operation(method: str, query: dict[str, str]) -> str:
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "Unknown"
    if "uploadId" in query:
        if method == "PUT":
            return "UploadPart" if "partNumber" in query else "Unknown"
        names = {
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
            "GET": "ListParts",
        }
        return names.get(method, "Unknown")
    for name, operations in _OF_OBJECTS.items():
        if name in query:
            return operations.get(method, "Unknown")
    if method == "PUT" and "versionId" in query:
        return "Unknown"
    names = {
        "PUT": "PutObject",
        "GET": "GetObject",
        "HEAD": "HeadObject",
        "DELETE": "DeleteObject",
    }
    return names.get(method, "Unknown")


def perform(call: Call) -> Answer:
    """Do what the request asks."""
    if call.operation not in OPERATIONS:
        raise not_implemented(f"{call.request.method} {call.request.target}")
    return OPERATIONS[call.operation](call)


def with_bucket_of_host(request: Incoming, options: Options) -> Incoming:
    """The request, with the label before the server's name used as the bucket."""
    host = _host(request)
    for name in options.names:
        if host.endswith(f".{name}"):
            return replace(request, bucket_in_host=host.removesuffix(f".{name}"))
    return request


def options_of_name(request: Incoming, options: Options) -> Options:
    """The options under the name that the request came to."""
    region = options.names.get(_name(request))
    return options if region is None else replace(options, region=region)


def check_host(request: Incoming, options: Options, *, host: str, port: int) -> None:
    """Refuse a Host header that does not name this server.

    :raises S3Error: 400.
    """
    given = request.header("host") or ""
    if options.any_host and given:
        return
    known = {host, "localhost", *options.names}
    if _name(request) not in known or given.rpartition(":")[2] != str(port):
        raise invalid_request(f"The Host header {given!r} is not this server's")


def check_home(request: Incoming, options: Options, bucket: str) -> None:
    """Send a request away whose bucket is in another region than the one it came to.

    :param options: those of the name.
    :raises S3Error: 301, as Amazon answers.
    """
    home = options.homes.get(bucket)
    if home is None or home == options.region:
        return
    names = [name for name, region in options.names.items() if region == home]
    raise S3Error(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
        extra={"Endpoint": f"{bucket}.{names[0]}" if names else "", "Bucket": bucket},
        headers={"x-amz-bucket-region": home},
    )


def _host(request: Incoming) -> str:
    return (request.header("host") or "").partition(":")[0].lower()


def _name(request: Incoming) -> str:
    """The name of the server that the request came to, without a bucket."""
    host = _host(request)
    return host.removeprefix(f"{request.bucket_in_host}.") if request.bucket_in_host else host
