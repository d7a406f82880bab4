# SPDX-License-Identifier: Apache-2.0
"""The folder in the destination in which a migration keeps what it has done.

``job.json``
    What is migrated. Created once, on stores that can with ``If-None-Match``.
``run.json``
    The coordinator that is in charge: the one that started last.
``list/RANGE.json``
    The shards of a range of the source's keys, and which ranges remain to be listed after it.
``list/SHARD.ndjson.gz``
    The objects of a shard.
``done/SHARD.ndjson.gz``, ``done/SHARD.json``
    The outcome of each object of a shard, and their numbers. The latter is written last.

No file contains credentials.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.copying import read_object
from libcloud.storage.scaleout.places import Place
from libcloud.storage.types import (
    MissingContainerError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
    UploadOutcomeUnknownError,
)

FOLDER = ".libcloud-migrate/"
"""Prefix of the folders of all jobs; what is below it is no data, and is not migrated."""

_TYPE = "application/octet-stream"
_JOB = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


class MigrationError(LibcloudError):
    """A migration cannot start or cannot go on. What was copied until then stays."""


class NotInChargeError(MigrationError):
    """Another coordinator has taken over the job, or this one has stopped."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    place: Place
    job: str

    def __post_init__(self) -> None:
        if not _JOB.fullmatch(self.job):
            raise ValueError(
                f"{self.job!r} cannot be the name of a job: use up to 64 letters, digits, '.', "
                "'_' and '-'"
            )

    @property
    def path(self) -> str:
        return f"{self.place.prefix}{FOLDER}{self.job}/"

    def create(self, config: Mapping[str, Any]) -> bool:
        """Write ``job.json``; ``False`` if there is one."""
        if self.read("job.json") is not None:
            return False
        options: dict[str, Any] = {}
        if self.place.container.driver.capabilities.conditional_writes:
            options["ex_if_none_match"] = "*"
        own = {**config, "id": uuid.uuid4().hex}
        with contextlib.suppress(PreconditionFailedError, UploadOutcomeUnknownError):
            self._put("job.json", _json(own), **options)
        # The response to the first attempt may have been lost.
        return bool(self.read("job.json") == own)

    def read(self, name: str) -> dict[str, Any] | None:
        """The content of a JSON file; ``None`` if there is none."""
        try:
            _, pieces = read_object(self.place.container, self.path + name)
            found = json.loads(b"".join(pieces))
        except MissingContainerError:
            raise
        except ObjectDoesNotExistError:
            return None
        except ValueError as error:
            raise MigrationError(f"{self.path}{name} is damaged: {error}") from error
        if not isinstance(found, dict):
            raise MigrationError(f"{self.path}{name} is damaged: it is not a JSON object")
        return found

    def take_over(self) -> str:
        """Become the coordinator in charge; the id of this run."""
        run = uuid.uuid4().hex
        self.write("run.json", {"run": run})
        return run

    def check_in_charge(self, run: str) -> None:
        """:raises NotInChargeError: another coordinator has started since."""
        found = self.read("run.json")
        if found is None:
            raise NotInChargeError(f"{self.path}run.json does not exist any more: job stopped")
        if found.get("run") != run:
            raise NotInChargeError(
                f"another coordinator has taken over job {self.job}: this one stops. What it "
                "copied is kept"
            )

    def write(self, name: str, value: object) -> None:
        self._put(name, _json(value))

    def delete(self, name: str) -> None:
        container = self.place.container
        container.delete_object(container.get_object(self.path + name))

    def names(self, kind: str) -> set[str]:
        """The names in ``list`` or ``done``: of what is complete."""
        prefix = f"{self.path}{kind}/"
        listed = self.place.container.iterate_objects(prefix=prefix)
        names = (obj.name[len(prefix) :] for obj in listed)
        return {name.removesuffix(".json") for name in names if name.endswith(".json")}

    def write_records(self, name: str, records: Iterable[object]) -> None:
        """Write a file with one record on each line; it appears when it is complete."""
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=3, mtime=0) as file:
            for record in records:
                file.write(_json(record) + b"\n")
        self._put(f"{name}.ndjson.gz", buffer.getvalue())

    def records(self, name: str) -> Iterator[Any]:
        """The records of a file."""
        path = f"{self.path}{name}.ndjson.gz"
        _, pieces = read_object(self.place.container, path)
        member, rest = zlib.decompressobj(wbits=31), b""
        try:
            for piece in pieces:
                *lines, rest = (rest + member.decompress(piece)).split(b"\n")
                yield from map(json.loads, lines)
        except (zlib.error, ValueError) as error:
            raise MigrationError(f"{path} is damaged: {error}") from error
        if not member.eof:
            raise MigrationError(f"{path} is damaged: its end is missing")

    def _put(self, name: str, data: bytes, **options: Any) -> None:
        self.place.container.upload_object_via_stream(
            iter([data]), self.path + name, {"content_type": _TYPE}, **options
        )


def _json(value: object) -> bytes:
    # ASCII: a key that is not UTF-8 has halves of surrogate pairs (PEP 383).
    return json.dumps(value, separators=(",", ":")).encode("ascii")
