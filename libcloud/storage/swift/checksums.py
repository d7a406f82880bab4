# SPDX-License-Identifier: Apache-2.0
"""ETags, which are MD5s: of an object in one request, and of a large object.

The ETag of a large object is the MD5 of the ETags of its segments, in order, in hexadecimal
(Swift, "Large objects"). Swift compares the ETag of every request that stores data.
"""

from __future__ import annotations

from collections.abc import Iterable

from libcloud.storage.transfer.values import Body, Digest
from libcloud.utils.bodies import hashed, new_md5


def digest(body: Body) -> Digest:
    """The MD5 of ``body``, with the header that carries it."""
    md5 = hashed(new_md5(), body)
    return Digest({"ETag": md5.hexdigest()}, "md5", md5.digest())


def large_etag(etags: Iterable[str]) -> str:
    """The ETag of the object made of segments with ``etags``."""
    return str(hashed(new_md5(), "".join(etags).encode()).hexdigest())
