# SPDX-License-Identifier: Apache-2.0
"""An upload of one object whose parts are sent by several processes.

One process begins the upload and completes it; any number of others send parts::

    session = driver.ex_begin_upload(container, "big.bin")
    text = session.to_json()  # no secret in it: give it to the workers

    session = UploadSession.from_json(text)  # on a worker, with its own credentials
    receipt = session.upload_part(7, data)  # about 100 bytes: give it back

    session.complete(receipts)

The rules that make this safe:

1. A part depends on the session and its number alone: a task that runs twice sends the same part.
2. The first receipt of a number counts. One with another checksum is a
   :exc:`~libcloud.storage.types.PartConflictError`, and nothing is published.
3. If the store no longer has the part of a receipt (the same bytes that were sent twice have
   another ETag where a KMS key encrypts them), the parts are listed, and an ETag is taken only
   where size and checksum are those of the receipt.
4. An upload that may have been completed is never aborted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import IO, Any, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object, StorageDriver
from libcloud.storage.scaleout.parts import (
    PartsPort,
    StreamedBody,
    UploadReceipt,
    body_of,
    check_complete,
    distinct_parts,
    first_receipts,
    receipt_of,
)
from libcloud.storage.scaleout.text import SessionFields, not_portable, parsed, text_of
from libcloud.storage.transfer.client import repeated
from libcloud.storage.transfer.upload.session import ObjectUpload, Resumed
from libcloud.storage.transfer.upload.source import RangeSource
from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)
from libcloud.storage.types import ObjectTooLargeError, UploadOutcomeUnknownError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import source_errors

__all__ = ["UploadReceipt", "UploadSession"]

_T = TypeVar("_T")


class UploadSession:
    """An upload that several processes continue. Create one by ``driver.ex_begin_upload``.

    Its methods may be called by several threads. A copy, or a pickle, is its text.

    :ivar container_name: name of the container.
    :ivar object_name: name that the object will have.
    :ivar upload_id: the id of the upload in the store.
    """

    def __init__(
        self, driver: Any, upload: ObjectUpload[Any], fields: SessionFields, extra: Any = None
    ) -> None:
        self.driver, self.upload, self.fields = driver, upload, fields
        self.container_name, self.object_name = fields.container, fields.name
        self.upload_id = fields.id
        self.label = f"{fields.container}/{fields.name}"
        self._store: Any = upload.store
        # Makes a body that is sent while it is made, if the protocol has such.
        self.stream: StreamedBody | None = getattr(self._store, "streamed_part", None)
        self._extra = dict(extra or {})

    def __repr__(self) -> str:
        return f"<UploadSession: {self.label}, upload_id={self.upload_id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return UploadSession.from_json, (self.to_json(),)

    # Its text.

    def to_json(self) -> str:
        """The session as text, for other processes and for later.

        It has the address of the store, the names, the upload id and the options, and no secret: a
        worker finds its own credentials, where the driver's ``from_env`` finds them.

        :raises ValueError: that is impossible, because the credentials of the driver, or the
            encryption key of the object, were passed in code. The message says what to do.
        """
        if why := not_portable(self.driver, self.fields):
            raise ValueError(
                f"the session of {self.label} cannot be sent to other processes: {why}"
            )
        return self.text()

    def text(self) -> str:
        """:meth:`to_json`; if that is impossible, a text without secrets that needs a driver."""
        return text_of(self.driver, self.fields)

    @classmethod
    def from_json(
        cls, text: str, driver: StorageDriver | Callable[[], StorageDriver] | None = None
    ) -> UploadSession:
        """The session with this text. Nothing is sent.

        :param driver: to use, or a function that returns it; ``None``: one with the credentials
            that this process finds. Drivers are kept, so that their connections are reused.
        :raises ValueError: it is not the text of a session, or that of another version of this
            library; or it requires ``driver``.
        :raises CredentialsNotFoundError: this process finds no credentials.
        """
        connect, fields = parsed(text)
        if driver is None:
            driver = connect()
        elif not hasattr(driver, "_shared_upload") and callable(driver):
            driver = driver()
        if not hasattr(driver, "_shared_upload"):
            raise ValueError(f"{kind_of(driver)} has no uploads that several processes continue")
        return attached(driver, fields)

    # Parts.

    def upload_part(
        self,
        number: int,
        data: Body | IO[bytes] | Iterable[bytes] | Callable[[], Iterable[bytes]],
        *,
        size: int | None = None,
    ) -> UploadReceipt:
        """Send part ``number``, with its checksum, and retry as the driver's policy says.

        A part that is sent again replaces itself.

        :param number: from 1.
        :param data: its bytes; or a seekable file, from its position, which is read twice (for the
            checksum, and to be sent) and not held in memory; or an iterable of bytes, or a function
            that returns one. More than 8 MiB of them are put into a temporary file; or, if ``size``
            is given and Amazon S3 is used over https, sent while they are made. Then a failed
            attempt is retried only if the data can be repeated: by a function, or by an iterable
            that is not an iterator. Otherwise the task has to be run again.
        :param size: bytes of a file; ``None``: all that are left. Of others: checked.
        :return: what :meth:`complete` needs.
        :raises TypeError: ``data`` is not bytes. Nothing was stored.
        :raises SizeMismatchError: it has another size. Nothing was stored.
        :raises ObjectTooLargeError: the store accepts no part of that size. Nothing was sent.
        :raises LibcloudError: the store rejected it; ``code`` is ``"NoSuchUpload"`` if the upload
            was completed or aborted.
        """
        with ExitStack() as files:
            body = body_of(data, size, files, f"part {number} of {self.label}", self.stream)
            return self.send_part(number, body)[0]

    def send_part(self, number: int, data: Body) -> tuple[UploadReceipt, int]:
        """:meth:`upload_part`, and how often the store requested a lower rate."""
        limits = self.upload.limits
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"number must be an int, not {kind_of(number)}")
        if not 1 <= number <= limits.max_parts:
            raise ValueError(f"parts are numbered from 1 to {limits.max_parts}, not {number}")
        if len(data) > limits.max_part_size:
            raise ObjectTooLargeError(
                f"part {number} has {len(data)} bytes; the store accepts {limits.max_part_size}",
                self.driver,
                self.object_name,
            )
        throttled: list[Failure] = []
        with source_errors():
            digest = self._store.digest(data)
            put = partial(self._store.put_part, self.upload_id, number, data, digest)
            part = self._retried(Step.PART, put, throttled, data)
        return receipt_of(part), len(throttled)

    def copy_part(self, number: int, obj: Object, start: int, stop: int) -> UploadReceipt | None:
        """Have the store copy a range of an object as part ``number``.

        :param obj: with its size and its ETag, which it must still have.
        :return: ``None`` if the store cannot do that. Nothing was sent.
        """
        copy = getattr(self.driver, "_copy_shared_part", None)
        if copy is None:
            return None
        put = partial(copy, self.fields, number, obj, range(start, stop))
        part = self._retried(Step.PART, put)
        return None if part is None else receipt_of(part)

    def receipts(self) -> list[UploadReceipt]:
        """The parts that the store has, by number, as far as it can tell.

        :raises LibcloudError: the upload does not exist (``code`` is ``"NoSuchUpload"``).
        """
        return [receipt_of(part) for part in self._stored_parts()]

    def missing(self, count: int | None = None) -> list[int]:
        """Numbers of the parts that the store does not have.

        :param count: how many parts there are; ``None``: as many as were planned, or as the highest
            number in the store.
        :raises LibcloudError: as :meth:`receipts`.
        """
        found = {part.number for part in self._stored_parts()}
        last = count or self.fields.parts or max(found, default=0)
        return [number for number in range(1, last + 1) if number not in found]

    # The end.

    def complete(
        self,
        receipts: Iterable[UploadReceipt | Sequence[Any] | Mapping[str, Any]],
        *,
        size: int | None = None,
    ) -> Object:
        """Publish the object. Only one process should do so, and it may do so again.

        :param receipts: of all parts, in any order, also as JSON made them; duplicates may be
            among them.
        :param size: bytes of the whole object; ``None``: not checked. Only this shows that the
            last parts are missing.
        :raises SizeMismatchError: the parts have another size. Nothing was sent.
        :raises PartConflictError: a part was sent with different data. Nothing was published.
        :raises ValueError: a part is missing, too small, or of another upload. Nothing was sent.
        :raises UploadOutcomeUnknownError: the store did not report whether it was published.
        :raises LibcloudError: the store rejected it. Nothing was published, and the parts are kept.
        """
        parts = first_receipts(receipts, self.upload)
        is_own = getattr(self._store, "is_own", None)
        foreign = [part.number for part in parts if is_own and not is_own(self.upload_id, part)]
        if foreign:
            raise ValueError(
                f"the receipt of part {foreign[0]} is of another upload than that of {self.label}"
            )
        check_complete(parts, self.upload, self.fields.parts, size)
        options = replace(
            self.upload.options, on_failure="keep", size=None, size_hint=None, max_memory=None
        )
        port = self.port({part.number: part for part in parts})
        upload = replace(self.upload, store=port, options=options, concurrency=1)
        sizes = {part.number: part.size for part in parts}
        stored = upload.send(RangeSource(sum(sizes.values())), Resumed(self.upload_id, sizes))
        return self.published(stored)

    def abort(self) -> None:
        """Remove the upload and its parts; nothing happens if it no longer exists.

        It is repeated while parts remain, because one may arrive late. Azure has no request for
        that: the blocks stay until they expire, after a week.

        :raises LibcloudError: it failed, or parts still arrive.
        """

        def has_ended() -> bool:
            stays = self._retried(Step.ABORT, lambda: self._store.abort(self.upload_id))
            return bool(stays) or not self._has_parts()

        for _ in range(self.upload.retries.policy.attempts):
            ended, gone = self._unless_gone(has_ended)
            if ended or gone is not None:
                return
        raise LibcloudError(
            f"the upload {self.upload_id} of {self.label} was aborted, and parts arrive still: "
            "end the workers, and abort it again",
            driver=self.driver,
        )

    def published(self, stored: StoredObject) -> Object:
        return self.driver._published_object(  # type: ignore[no-any-return]
            self.container_name, self.upload, stored, self._extra
        )

    def find_parts(self) -> tuple[list[PartReceipt], Exception | None]:
        """The parts that the store has; if the upload does not exist, the corresponding error."""
        found, gone = self._unless_gone(self._stored_parts)
        return distinct_parts(found or (), self.upload), gone

    def gone(self) -> Exception | None:
        """The error that the upload does not exist; ``None`` if it may."""
        return self._unless_gone(self._has_parts)[1]

    def find_published(self, sizes: Sequence[int]) -> StoredObject | None:
        """The object, if this upload was completed with parts of these sizes.

        :raises UploadOutcomeUnknownError: the store's response is not conclusive.
        """
        verdict, stored = self._retried(
            Step.CONFIRM, lambda: self._store.published(self.upload_id, sizes)
        )
        if verdict is Confirmation.UNCLEAR:
            raise UploadOutcomeUnknownError(
                f"whether the upload {self.upload_id} has published {self.label} is unknown; the "
                "object that is there may be another one, which replaced it. Compare its checksum",
                self.driver,
                self.object_name,
                upload_id=self.upload_id,
            )
        return stored if verdict is Confirmation.STORED else None

    # For the modules of this package.

    @classmethod
    def draft(
        cls, driver: Any, upload: ObjectUpload[Any], checksum: str | None, extra: Mapping[str, Any]
    ) -> UploadSession:
        """The session of an upload that has not begun; nothing is sent.

        :param checksum: of parts: ``ex_checksum``.
        """
        store: Any = upload.store
        fields = SessionFields(
            upload.container_name,
            upload.object_name,
            id="",
            created=0,
            checksum=checksum,
            headers=dict(store.shared_headers),
            part_size=upload.options.part_size,
        )
        return cls(driver, upload, fields, extra)

    def begin(self, **plan: Any) -> UploadSession:
        """Create the upload of this draft: the session that continues it.

        :param plan: further fields of the session.
        :raises ValueError: there is no checksum. Nothing was sent.
        """
        if self.fields.checksum is None:
            raise ValueError("ex_checksum=None: parts from several processes need a checksum")
        upload_id = self._retried(Step.CREATE, self._store.create)
        connection, times = self.driver.connection, getattr(self._store, "times", None)
        began = times and times.started_at  # by the clock of the store
        if began is None:
            began = getattr(connection, "server_time", lambda: datetime.now(timezone.utc))()
        fields = replace(self.fields, id=upload_id, created=int(began.timestamp()), **plan)
        return UploadSession(self.driver, self.upload, fields, self._extra)._attached()

    def _attached(self) -> UploadSession:
        fields, store = self.fields, self._store
        store.attach(fields.id, datetime.fromtimestamp(fields.created, timezone.utc))
        if fields.etag or fields.whole:
            store.expect(fields.etag, fields.whole)
        return self

    def port(self, known: Mapping[int, PartReceipt]) -> PartsPort:
        """The port that completes the upload; ``known``: parts that are stored already."""
        return PartsPort(self.upload, self._stored_parts, known)

    def with_parts(self, parts: Sequence[PartReceipt]) -> UploadSession:
        """The same session, whose text identifies the object that these parts become."""
        describe = getattr(self._store, "describe", None)
        etag, whole = ("", "") if describe is None else describe(parts)
        fields = replace(self.fields, etag=etag, whole=whole)
        return UploadSession(self.driver, self.upload, fields, self._extra)

    def _stored_parts(self) -> list[PartReceipt]:
        return self._retried(Step.CHECK, lambda: list(self._store.stored_parts(self.upload_id)))

    def _has_parts(self) -> bool:
        return self._retried(Step.CHECK, lambda: bool(self._store.has_parts(self.upload_id)))

    def _unless_gone(self, operation: Callable[[], _T]) -> tuple[_T | None, Exception | None]:
        """The result of ``operation``; or the error that the upload does not exist."""
        try:
            return operation(), None
        except Exception as error:
            if not self._store.failure(Step.CHECK, error).upload_gone:
                raise
            return None, error

    def _retried(
        self,
        step: Step,
        operation: Callable[[], _T],
        throttled: list[Failure] | None = None,
        body: Any = None,
    ) -> _T:
        """The result of ``operation``, which sends ``body``, perhaps only once; with retries."""

        def may_repeat(error: Exception, failure: Failure) -> bool:
            if failure.throttled and throttled is not None:
                throttled.append(failure)
            again = bool(getattr(body, "can_be_sent_again", True))
            once = not (again or getattr(body, "repeatable", True))
            if once and failure.transient and isinstance(error, LibcloudError):
                error.value = (
                    f"{error.value}. There was no further attempt: the data cannot be repeated: "
                    "pass a function"
                )
            return again

        return repeated(
            self.upload.retries,
            operation,
            lambda error: self._store.failure(step, error),
            may_repeat=may_repeat,
        )


def attached(driver: Any, fields: SessionFields) -> UploadSession:
    """The session with these fields. Nothing is sent."""
    options = {"ex_part_size": fields.part_size, "ex_on_failure": "keep"}
    if fields.checksum:
        options["ex_checksum"] = fields.checksum
    upload = driver._shared_upload(fields.container, fields.name, fields.headers, options)
    return UploadSession(driver, upload, fields)._attached()
