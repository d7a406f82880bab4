# SPDX-License-Identifier: Apache-2.0
"""Parts: their bodies, their receipts, and the port that completes an upload.

Whatever makes the data of a part, only a window of it is held in memory.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from libcloud.storage.transfer.upload.session import ObjectUpload
from libcloud.storage.transfer.values import (
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    PartStore,
    Step,
    StoredObject,
)
from libcloud.storage.types import PartConflictError, SizeMismatchError, WorkerError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import FilePieces, Pieces, flat

if TYPE_CHECKING:
    from libcloud.storage.s3.checksums import PartSource

# Bodies.

# Bytes of data that is made for a part and held in memory; more are sent while they are made, or
# are put into a temporary file first.
_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 1024 * 1024


StreamedBody = Callable[["PartSource", int, str], Any]
"""Returns a body that is sent while it is made; or ``None``, if the store does not accept one.

Its arguments are the source, its size in bytes, and the part, for messages.
"""


def body_of(
    data: Any, size: int | None, files: ExitStack, what: str, stream: StreamedBody | None
) -> Any:
    """The first ``size`` bytes of ``data``, as a body that is sent again, or while it is made.

    :param files: closes the temporary file.
    """
    body: Any
    if isinstance(data, (bytes, bytearray, Pieces)):
        body = data
    elif is_seekable(data):
        start = data.tell()
        left = data.seek(0, os.SEEK_END) - start
        body = FilePieces(data, start, left if size is None else min(size, left))
    elif isinstance(data, memoryview):
        body = flat(data)
    else:
        body = made_body(_Data(data, what), size, files, what, stream)
    if size not in (None, len(body)):
        text = f"{what} has {len(body)} bytes, and {size} were announced"
        raise SizeMismatchError(text, None, "")
    return body


def made_body(
    source: PartSource, size: int | None, files: ExitStack, what: str, stream: StreamedBody | None
) -> Any:
    """A body of generated data: sent while it is generated if possible, or a temporary file."""
    if stream is not None and size is not None and size > _IN_MEMORY:
        body = stream(source, size, what)
        if body is not None:
            return body
    spooled: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - files closes it
    file = files.enter_context(spooled)
    for piece in source.pieces():
        file.write(piece)
    return FilePieces(file, 0, file.tell())


@dataclass(frozen=True, slots=True)
class _Data:
    data: Any
    what: str

    @property
    def repeatable(self) -> bool:
        return is_repeatable(self.data)

    def pieces(self) -> Iterator[memoryview]:
        data = self.data
        if callable(data) and not hasattr(data, "read") and not hasattr(data, "__iter__"):
            data = data()
        return views_of(data, self.what)


def is_seekable(data: Any) -> bool:
    """Whether ``data`` is a file that can be read twice."""
    return hasattr(data, "seekable") and bool(data.seekable())


def is_repeatable(data: Any) -> bool:
    """Whether ``data`` can be repeated: by a function, or by an iterable that is no iterator."""
    return not hasattr(data, "read") and not hasattr(data, "__next__")


def views_of(data: Any, what: str) -> Iterator[memoryview]:
    """The bytes of a buffer, a file or an iterable; ``what`` names it if they are not bytes."""
    pieces: Iterable[Any] = (data,)
    if hasattr(data, "read"):
        pieces = iter(lambda: data.read(_BLOCK), b"")
    elif buffer_of(data) is None and hasattr(data, "__iter__"):
        pieces = (data,) if isinstance(data, (str, Mapping)) else data
    for piece in pieces:
        view = buffer_of(piece)
        if view is None:
            raise TypeError(f"{what} must be bytes, not {kind_of(piece)}")
        yield view


def buffer_of(data: Any) -> memoryview | None:
    try:
        return flat(memoryview(data))
    except TypeError:
        return None


# Receipts.

_BITS = {"crc32": 32, "crc32c": 32, "crc64nvme": 64, "crc64": 64, "md5": 128}
_BITS |= {"sha1": 160, "sha256": 256}


class UploadReceipt(NamedTuple):
    """The store's response for a part; plain values, for JSON and pickle.

    :param size: bytes.
    :param checksum: ``"crc32:"`` and the value in base64; the algorithm is the upload's.
    """

    number: int
    size: int
    etag: str
    checksum: str


def first_receipts(
    receipts: Iterable[UploadReceipt | Sequence[Any] | Mapping[str, Any]],
    upload: ObjectUpload[Any],
) -> list[PartReceipt]:
    """The parts by their first receipts, in order; later ones must be of the same bytes."""
    found: dict[int, UploadReceipt] = {}
    for given in receipts:
        receipt = _checked_receipt(given)
        first = found.setdefault(receipt.number, receipt)
        if first is not receipt and first != receipt:
            same = first.size == receipt.size and first.checksum == receipt.checksum
            if not same or not first.checksum:
                raise _part_conflict(receipt.number, upload)
    return [part_of(found[number]) for number in sorted(found)]


def check_complete(
    parts: Sequence[PartReceipt], upload: ObjectUpload[Any], planned: int, size: int | None
) -> None:
    """Refuse to publish an object of parts of which some are missing, or too small.

    :param planned: how many there are at least; 0 if that is not known.
    """
    limits, label = upload.limits, f"{upload.container_name}/{upload.object_name}"
    if not parts:
        raise ValueError(f"there are no receipts of {label}")
    last = parts[-1].number
    if last > limits.max_parts:
        raise ValueError(
            f"{label} has at most {limits.max_parts} parts, and there is a receipt of part {last}"
        )
    present = {part.number for part in parts}
    gaps = [number for number in range(1, max(planned, last) + 1) if number not in present]
    if gaps:
        raise ValueError(
            f"parts of {label} are missing: {', '.join(map(str, gaps[:10]))}"
            + (f" and {len(gaps) - 10} others" if len(gaps) > 10 else "")
        )
    least = max(1, limits.min_part_size)
    for part in parts[:-1]:
        if part.size < least:
            raise ValueError(
                f"part {part.number} of {label} has {part.size} bytes; all but the last must have "
                f"{least} or more"
            )
    total = sum(part.size for part in parts)
    if size is not None and size != total:
        text = f"the parts of {label} have {total} bytes, not {size}"
        raise SizeMismatchError(text, upload.driver, upload.object_name)


def distinct_parts(parts: Iterable[PartReceipt], upload: ObjectUpload[Any]) -> list[PartReceipt]:
    """``parts``, as a store lists them, without duplicates; two that differ are a conflict."""
    found: dict[int, PartReceipt] = {}
    for part in parts:
        if found.setdefault(part.number, part) is not part:
            raise _part_conflict(part.number, upload)
    return list(found.values())


def _same_part(
    part: PartReceipt, now: PartReceipt | None, upload: ObjectUpload[Any], error: Exception
) -> PartReceipt | None:
    """``part`` with the ETag that the store lists now; ``None`` if that may have other bytes."""
    if now is None:
        return None
    if now.etag == part.etag:
        return part
    # Of another part, the MD5 is another, where the ETag is one.
    if now.size != part.size or now.digest.algorithm == "md5":
        raise _part_conflict(part.number, upload) from error
    if now.digest.algorithm != part.digest.algorithm or not now.digest.value:
        return None
    if now.digest.value != part.digest.value:
        raise _part_conflict(part.number, upload) from error
    return replace(part, etag=now.etag)


def _is_md5(part: PartReceipt) -> bool:
    return part.digest.value.hex() == part.etag


def _part_conflict(number: int, upload: ObjectUpload[Any]) -> PartConflictError:
    where = (upload.driver, upload.container_name, upload.object_name)
    return conflict("part", number, *where)


def conflict(
    kind: str, number: int, driver: Any, container_name: str, object_name: str
) -> PartConflictError:
    """The error that a part, or a piece, has different data each time it is made."""
    return PartConflictError(
        f"{kind} {number} of {container_name}/{object_name} was sent more than once, with "
        "different data. Nothing was published. The pieces of an object must have the same bytes "
        "each time they are made",
        driver,
        object_name,
        number,
    )


def _checked_receipt(given: UploadReceipt | Sequence[Any] | Mapping[str, Any]) -> UploadReceipt:
    try:
        if isinstance(given, Mapping):
            receipt = UploadReceipt(**given)
        else:
            receipt = given if isinstance(given, UploadReceipt) else UploadReceipt(*given)
    except TypeError:
        raise TypeError(f"a receipt is what upload_part returned, not {kind_of(given)}") from None
    kinds = tuple(map(type, receipt))
    if kinds != (int, int, str, str) or receipt.number < 1 or receipt.size < 0:
        raise TypeError("a receipt has a number, a size, an ETag and a checksum")
    algorithm, colon, value = receipt.checksum.partition(":")
    try:
        length = len(b64decode(value, validate=True))
    except ValueError:
        length = -1
    right = colon and length > 0 and _BITS.get(algorithm, 8 * length) == 8 * length
    if not receipt.etag or (receipt.checksum and not right):
        raise ValueError(f"the receipt of part {receipt.number} is damaged")
    return receipt


def receipt_of(part: PartReceipt) -> UploadReceipt:
    digest = part.digest
    checksum = f"{digest.algorithm}:{b64encode(digest.value).decode()}" if digest.algorithm else ""
    return UploadReceipt(part.number, part.size, part.etag, checksum)


def part_of(receipt: UploadReceipt) -> PartReceipt:
    algorithm, _, value = receipt.checksum.partition(":")
    digest = Digest({}, algorithm, b64decode(value)) if algorithm else Digest()
    return PartReceipt(receipt.number, receipt.etag, receipt.size, digest)


class PartsPort:
    """The port that completes an upload whose parts are sent elsewhere, or ``known``.

    :ivar send_again: sends parts, by their numbers, again; ``None``: impossible.
    """

    send_again: Callable[[Sequence[int]], Iterable[PartReceipt]] | None = None

    def __init__(
        self,
        upload: ObjectUpload[Any],
        list_parts: Callable[[], Iterable[PartReceipt]],
        known: Mapping[int, PartReceipt],
    ) -> None:
        self._upload = upload
        self._port: PartStore[Any] = upload.store
        self._list_parts = list_parts
        self.known = known
        self._changed: dict[int, PartReceipt] = {}  # parts whose ETags were listed
        self.abort = self._port.abort
        self.has_parts = self._port.has_parts

    def digest(self, body: object) -> Digest:
        return Digest()

    def put(self, body: object, digest: Digest) -> StoredObject:
        raise AssertionError("the upload exists already")

    def create(self) -> str:
        raise AssertionError("the upload exists already")

    def put_part(self, upload_id: str, number: int, body: object, digest: Digest) -> PartReceipt:
        return self.known[number]

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        try:
            return self._port.complete(upload_id, self._current(parts))
        except Exception as error:
            # Swift, "Large objects": the body of the response lists the segments.
            code, is_swift = getattr(error, "code", None), "Etag Mismatch" in str(error)
            if self._changed or not (code == "InvalidPart" or is_swift):
                raise  # the store has the parts of the receipts
            self._changed = self._reconciled(parts, error)
        return self._port.complete(upload_id, self._current(parts))

    def _reconciled(self, parts: Sequence[PartReceipt], error: Exception) -> dict[int, PartReceipt]:
        """The parts with the ETags that the store has now; what it does not tell is sent again."""
        listed = {part.number: part for part in self._list_parts()}
        found, unclear = dict[int, PartReceipt](), dict[int, PartReceipt]()
        if any(part.digest.algorithm == "md5" and not _is_md5(part) for part in parts):
            # No ETag is an MD5: the bucket encrypts with a KMS key, although no request says so.
            listed = {number: replace(listed[number], digest=Digest()) for number in listed}
        for part in parts:
            now = _same_part(part, listed.get(part.number), self._upload, error)
            (unclear if now is None else found)[part.number] = now or part
        if unclear and self.send_again is None:
            raise error
        for part in self.send_again(list(unclear)) if unclear and self.send_again else ():
            first = unclear[part.number]
            if first.digest.value not in (b"", part.digest.value) and not _is_md5(first):
                raise _part_conflict(part.number, self._upload) from error
            found[part.number] = part
        return found

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        return self._port.confirm(self._current(parts), size)

    def failure(self, step: Step, error: Exception) -> Failure:
        if isinstance(error, (PartConflictError, WorkerError)):
            return Failure(error)
        failure = self._port.failure(step, error)
        gone = failure.upload_gone or getattr(error, "code", None) == "InvalidBlockList"  # Azure
        if step is Step.COMPLETE and gone:
            # An earlier coordinator may have completed it.
            return replace(failure, contradicted=True)
        return failure

    def _current(self, parts: Sequence[PartReceipt]) -> list[PartReceipt]:
        return [self._changed.get(part.number, part) for part in parts]
