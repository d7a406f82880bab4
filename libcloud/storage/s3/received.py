# SPDX-License-Identifier: Apache-2.0
"""What the bytes of an object must give, by the answer that brings them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from libcloud.storage.s3.checksums import HEADER, Checksum, checksum_in
from libcloud.storage.s3.etags import strip_etag
from libcloud.storage.s3.integrity import is_md5
from libcloud.storage.s3.profiles import S3Profile

__all__ = ["MODE", "MODE_HEADERS", "expected_digest"]

MODE = f"{HEADER}mode"
MODE_HEADERS = {MODE: "ENABLED"}
"""What GET of a whole object carries so that the store tells its checksum."""

_MD5 = Checksum("md5", 16, lambda: hashlib.md5(usedforsecurity=False))


def expected_digest(
    profile: S3Profile, headers: Mapping[str, str], *, opaque: bool, md5: bool
) -> tuple[Checksum, bytes] | None:
    """The digest to compute of a whole object, and the value that it must have.

    :param headers: of the answer to GET; names in lower case.
    :param opaque: the ETag is no MD5, because of encryption.
    :param md5: go by an ETag if there is no checksum.
    :return: ``None`` if the answer does not tell.
    """
    found = checksum_in(headers)
    if found is not None or not md5 or opaque or not profile.etag_is_md5:
        return found
    etag = strip_etag(headers.get("etag", ""))
    return (_MD5, bytes.fromhex(etag)) if is_md5(etag) else None
