# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in what is believed of a response; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_TESTS = "libcloud/test/storage"
_DRIVERS = "libcloud/storage/drivers"
_S3API = "libcloud/storage/s3api"

_EVIDENCE = (f"{_TESTS}/test_s3_evidence.py",)
_DELETE = (f"{_TESTS}/test_s3_delete.py",)

MUTANTS = (
    Mutant(
        "a web page counts as stored",
        f"{_DRIVERS}/s3_bodies.py",
        "        if content:\n",
        "        if False:\n",
        _EVIDENCE,
    ),
    Mutant(
        "a web page counts as deleted",
        f"{_S3API}/operations.py",
        '    if request.method == "DELETE":\n        return True\n',
        '    if request.method == "DELETE":\n        return False\n',
        _EVIDENCE,
    ),
    Mutant(
        "a web page counts as a container",
        f"{_S3API}/evidence.py",
        'return _names_html(headers) and headers.get("content-length", "") != "0"',
        "return False",
        _EVIDENCE,
    ),
    Mutant(
        "a web page counts as an object",
        f"{_S3API}/evidence.py",
        "return _names_html(headers) and not any(",
        "return False and not any(",
        _EVIDENCE,
    ),
    Mutant(
        "an object must not be a web page",
        f"{_S3API}/evidence.py",
        "return _names_html(headers) and not any(name.startswith(_OF_OBJECTS) for name in headers)",
        "return _names_html(headers)",
        _EVIDENCE,
    ),
    Mutant(
        "any document counts as stored",
        f"{_S3API}/evidence.py",
        'return root is None or not root["name"].startswith(_DOCUMENTS[method])',
        'return root is None or root["name"] == "html"',
        _EVIDENCE,
    ),
    Mutant(
        "a part without an ETag fails the upload",
        f"{_DRIVERS}/s3_uploads.py",
        'raise MalformedResponseError(f"{what}: the response has no ETag", driver=self)',
        'raise LibcloudError(f"{what}: the response has no ETag", driver=self)',
        _EVIDENCE,
    ),
    Mutant(
        "the ETag of another writer taken",
        f"{_DRIVERS}/s3_store.py",
        "if expected not in (None, etag) and not self.answers.opaque(found):",
        "if False:",
        _EVIDENCE,
    ),
    Mutant(
        "a wrong checksum of the object tried again",
        f"{_DRIVERS}/s3_store.py",
        'getattr(error, "code", None) == "BadDigest":',
        "False:",
        _EVIDENCE,
    ),
    Mutant(
        "keys that are not mentioned count as deleted",
        f"{_DRIVERS}/s3_delete.py",
        "elif quiet or name in answer.deleted:",
        "else:",
        _DELETE,
    ),
    Mutant(
        "a quiet answer with an error of no key confirms the rest",
        f"{_DRIVERS}/s3_delete.py",
        "quiet = quiet and {*errors, *answer.deleted} <= set(names)",
        "quiet = quiet",
        _DELETE,
    ),
)
