# SPDX-License-Identifier: Apache-2.0
"""What differs from Apache Libcloud 3.9.1 and from LIBCLOUD-269, name by name, and why."""

from __future__ import annotations

_S3 = "libcloud.storage.drivers.s3"
_AWS = "libcloud.common.aws"
_BASE = "libcloud.common.base"
_DRIVER = f"{_S3}.BaseS3StorageDriver"

_PARTS = "parts of at least 5 MiB, several at a time, checksummed; the patch sent one a piece"

#: What LIBCLOUD-269 added or changed -> where it is here, and what differs.
LIBCLOUD_269: dict[str, tuple[str, str]] = {
    "`supports_s3_multipart_upload`": (
        f"{_DRIVER}.supports_s3_multipart_upload",
        "the same; `False` for Google Storage",
    ),
    "`upload_object_via_stream`": (
        f"{_DRIVER}.upload_object_via_stream",
        "chooses one of three callbacks by the flag, and hands it to `_put_object`",
    ),
    "`_put_object(upload_func=, upload_func_kwargs=)`": (
        f"{_DRIVER}._put_object",
        "sets what all uploads have in common, then calls the callback",
    ),
    "`_upload_multipart`": (f"{_DRIVER}._upload_multipart", _PARTS),
    "`_initiate_multipart`": (
        f"{_DRIVER}._initiate_multipart",
        "sent only when a second part is needed: a short stream is one PUT",
    ),
    "`_upload_multipart_chunks`": (f"{_DRIVER}._upload_multipart_chunks", _PARTS),
    "`_commit_multipart`": (
        f"{_DRIVER}._commit_multipart",
        "an error in a response of status 200 is an error; a lost response leads to a HEAD",
    ),
    "`_abort_multipart`": (
        f"{_DRIVER}._abort_multipart",
        "also sent after `KeyboardInterrupt`; its own error does not replace the first one",
    ),
    "`ex_iterate_multipart_uploads`": (
        f"{_DRIVER}.ex_iterate_multipart_uploads",
        "`owner` and `initiator` may be missing, as servers leave them out",
    ),
    "`ex_cleanup_all_multipart_uploads`": (
        f"{_DRIVER}.ex_cleanup_all_multipart_uploads",
        "one pass over the list; an error with one upload does not stop the others",
    ),
    "`S3MultipartUpload`": (f"{_S3}.S3MultipartUpload", "the same"),
    "`get_container` by HEAD": (f"{_DRIVER}.get_container", "the same"),
    "`get_object` by HEAD": (
        f"{_DRIVER}.get_object",
        "HEAD on the container, then on the object",
    ),
    "`Connection.request`: an action that has a query": (
        f"{_BASE}.Connection.request",
        "the same: parameters follow with `&`",
    ),
    "signature of `?uploads`": (
        f"{_S3}.BaseS3Connection.get_auth_signature",
        "sub-resources are signed, whether they stand in the path or among the parameters",
    ),
    "`MockHttp`: a method by the path without the query": ("libcloud.test.MockHttp", "the same"),
    "`MockRawResponse`": (
        "libcloud.test.MockRawResponse",
        "gone from 3.9.1; here, and gives the same response on every access",
    ),
    "`MockResponse`": ("libcloud.test.MockResponse", "gone from 3.9.1; here, and can be iterated"),
}

#: Names of 3.9.1 -> what differs. `_surface.py` has the signatures that differ.
NOTES: dict[str, str] = {
    f"{_S3}.BaseS3Connection": "paths are sent as they are: `a//b` is not `a/b`",
    f"{_S3}.BaseS3Connection.get_auth_signature": "sub-resources are signed; 3.9.1 left them out",
    f"{_S3}.S3Response.parse_error": "the error has `status`, `code`, `request_id` as attributes",
    f"{_DRIVER}.upload_object": "a large file is sent in parts; the checksum is verified",
    f"{_DRIVER}.upload_object_via_stream": "bounded memory, retries, an upload whole or not at all",
    f"{_DRIVER}.download_object": "resumed when cut off, verified, and put in place when complete",
    f"{_DRIVER}.download_object_range": "another range than the requested one is an error",
    f"{_DRIVER}.download_object_as_stream": "resumed when cut off; one version of the object",
    f"{_DRIVER}._upload_multipart_chunks": _PARTS,
    f"{_DRIVER}._commit_multipart": "an error in a response of status 200 is an error",
    f"{_DRIVER}.ex_cleanup_all_multipart_uploads": "an error does not stop it",
    f"{_AWS}.AWSGenericResponse.parse_error": (
        "an exception gets what its constructor takes of the context"
    ),
    f"{_AWS}.AWSRequestSignerAlgorithmV4": "each attempt is signed with its own time",
    f"{_BASE}.Connection": "threads may share it: a request is kept in local variables",
    f"{_BASE}.Connection.request": "a body that cannot be sent again is not retried",
    f"{_BASE}.BaseDriver.__init__": "a `host` of `_ex_connection_class_kwargs` replaces the user's",
    "libcloud.test.MockHttp": "can be used by several threads",
}
