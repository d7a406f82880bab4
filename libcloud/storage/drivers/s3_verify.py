# SPDX-License-Identifier: Apache-2.0
"""Whether what was downloaded is the object: one digest over all of its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from libcloud.storage.base import Object
from libcloud.storage.drivers.s3_answers import encrypted
from libcloud.storage.s3api.checksums import Checksum, Running, combined, encoded
from libcloud.storage.s3api.received import expected_digest
from libcloud.storage.types import ObjectHashMismatchError

__all__ = ["Verification", "verification_of"]


class Verification:
    """The digest that the bytes of ``obj`` must have.

    :param value: of the digest, as the store tells it.
    """

    def __init__(self, obj: Object, checksum: Checksum, value: bytes) -> None:
        self._obj = obj
        self._checksum = checksum
        self._value = value

    @property
    def combines(self) -> bool:
        """Whether digests of parts make the digest of the whole."""
        return self._checksum.polynomial is not None

    def begin(self) -> Running:
        """A digest, to be fed with all bytes, or with those of a part."""
        return self._checksum.new()

    def judge_parts(self, parts: Iterable[tuple[bytes, int]]) -> None:
        """Compare the digests of parts, in order, each with the bytes that it is of."""
        self.judge(combined(self._checksum, parts))

    def judge(self, digest: bytes | None) -> None:
        """Compare the digest of what came.

        :raises ObjectHashMismatchError: it is another one.
        """
        if digest == self._value:
            return
        raise ObjectHashMismatchError(
            f"{self._obj.container.name}/{self._obj.name} arrived with the {self._checksum.name} "
            f"{'of no data' if digest is None else self._shown(digest)}, and the store has "
            f"{self._shown(self._value)}: what was received is damaged. Download it again",
            self._obj.driver,
            self._obj.name,
        )

    def _shown(self, digest: bytes) -> str:
        """As stores write it: an ETag is hexadecimal."""
        return digest.hex() if self._checksum.name == "md5" else encoded(digest)


def verification_of(
    driver: Any, obj: Object, headers: Mapping[str, str], *, wanted: bool | None
) -> Verification | None:
    """What the bytes of ``obj`` are to be compared with; ``None`` if nothing is known or wanted.

    :param headers: of the answer that brings them all; names in lower case.
    :param wanted: see :meth:`~libcloud.storage.drivers.s3.S3StorageDriver.download_object`.
    """
    if wanted is False:
        return None
    opaque = encrypted(headers)
    found = expected_digest(driver.profile, headers, opaque=opaque, md5=wanted is True)
    return None if found is None else Verification(obj, *found)
