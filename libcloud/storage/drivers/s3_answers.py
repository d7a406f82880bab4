# SPDX-License-Identifier: Apache-2.0
"""Whether a store has what was sent, by what its answers say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from libcloud.storage.s3 import integrity
from libcloud.storage.s3.etags import strip_etag
from libcloud.storage.s3.integrity import encrypted
from libcloud.storage.transfer.values import Digest, PartReceipt
from libcloud.storage.types import ObjectHashMismatchError

__all__ = ["Answers", "encrypted"]


class Answers:
    """What is made of the answers to one upload.

    ``checksum`` is the one of the object that an answer repeated, for its ``extra``; else ``None``.

    :param label: of the object, for messages.
    :param headers: of the upload.
    """

    def __init__(
        self, driver: Any, object_name: str, *, label: str, headers: Mapping[str, str]
    ) -> None:
        self._driver = driver
        self._name = object_name
        self._label = label
        self._sent = headers
        self.checksum: dict[str, str] | None = None

    def opaque(self, headers: Mapping[str, str]) -> bool:
        """Whether an ETag is no MD5, by what was asked for and by what was answered."""
        return encrypted(self._sent) or encrypted(headers)

    def of_part(self, number: int, digest: Digest, headers: Mapping[str, str]) -> None:
        """Look at the answer to a part.

        :raises ObjectHashMismatchError: the store has got other bytes; the part can be sent again.
        """
        told = self._told(digest, headers)
        if told is not None and not told.same:
            raise self._error(
                f"the store answered part {number} of {self._label} with the {told.algorithm} "
                f"{told.value}, and {told.expected} was sent; nothing was published"
            )

    def of_object(self, digest: Digest, headers: Mapping[str, str]) -> None:
        """Look at the answer that published the object; ``digest`` is that of all its bytes.

        :raises ObjectHashMismatchError: it tells of other data. Another look may tell otherwise.
        """
        told = self._told(digest, headers)
        if told is None:
            return
        if not told.same:
            raise self._error(
                f"the store has {self._label} with the {told.algorithm} {told.value}, and "
                f"{told.expected} was sent: the object is damaged"
            )
        self.checksum = {"algorithm": told.algorithm, "value": told.value}

    def of_parts(self, parts: Sequence[PartReceipt], headers: Mapping[str, str]) -> None:
        """Look at the answer to Complete; see :meth:`of_object`."""
        self.of_object(integrity.whole_checksum(parts), headers)
        etag = strip_etag(headers.get("etag", ""))
        expected = integrity.expected_etag(parts)
        if expected is None or not self._driver.profile.multipart_etag:
            return
        if not etag or self.opaque(headers):
            return
        if etag != expected:
            raise self._error(
                f"the store made {self._label} with the ETag {etag}; "
                f"the parts that were sent give {expected}"
            )
        if {part.digest.algorithm for part in parts} == {"md5"}:
            self.checksum = {"algorithm": "md5", "value": etag}

    def is_same(self, digest: Digest, headers: Mapping[str, str]) -> bool | None:
        """Whether an object that was found is the one sent; ``None`` if its headers do not tell."""
        told = self._told(digest, headers)
        return told.same if told is not None else None

    def _told(self, digest: Digest, headers: Mapping[str, str]) -> integrity.Told | None:
        # Only an MD5 is compared with the ETag.
        opaque = digest.algorithm == "md5" and self.opaque(headers)
        return integrity.told(self._driver.profile, digest, headers, opaque=opaque)

    def _error(self, text: str) -> ObjectHashMismatchError:
        return ObjectHashMismatchError(text, self._driver, self._name)
