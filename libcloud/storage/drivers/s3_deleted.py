# SPDX-License-Identifier: Apache-2.0
"""What became of an object that was to be deleted with others; public as names of ``s3.py``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DeletedObject", "Deletion", "FailedDeletion"]


@dataclass(frozen=True, slots=True)
class DeletedObject:
    """An object that is not there any more, or never was: most stores do not tell."""

    container_name: str
    object_name: str

    @property
    def deleted(self) -> bool:
        """True."""
        return True


@dataclass(frozen=True, slots=True)
class FailedDeletion:
    """An object that may still be there.

    :param error: why; with what the store said as attributes ``code``, ``status`` and ``detail``,
        if it said something.
    """

    container_name: str
    object_name: str
    error: Exception

    @property
    def deleted(self) -> bool:
        """False."""
        return False

    @property
    def code(self) -> str:
        """S3's word for the error; empty if the store said none."""
        return str(getattr(self.error, "code", None) or "")


Deletion = DeletedObject | FailedDeletion
