# SPDX-License-Identifier: Apache-2.0
"""One request and its answer: checks, faults, log, and the count of what is in flight."""

from __future__ import annotations

import uuid
from typing import Protocol

from libcloud.test.storage.fakes import google, routes
from libcloud.test.storage.fakes.authenticate import authenticate
from libcloud.test.storage.fakes.digests import check_body, check_checksum, decoded
from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.faults import Action, Dropped, Faults
from libcloud.test.storage.fakes.log import KEPT_BODY, Entry, RequestLog
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.render import error_answer, http_date
from libcloud.test.storage.fakes.routes import check_home, check_host, options_of_name
from libcloud.test.storage.fakes.state import Call, State, Upload
from libcloud.test.storage.fakes.wire import Answer, Incoming

_METHODS_WITH_BODY = ("PUT", "POST")
_PARTS = ("UploadPart", "UploadPartCopy")


class Served(Protocol):
    """What an exchange needs of its server."""

    options: Options
    state: State
    log: RequestLog
    faults: Faults
    host: str
    port: int


class Exchange:
    """One request and its answer, with the bookkeeping around them."""

    def __init__(self, fake: Served, request: Incoming) -> None:
        self.fake = fake
        self.request = request
        self.operation = routes.operation_of(google.translated(request, fake.options.vendor))
        self._path_error: S3Error | None = None
        bucket, key = "", ""
        try:
            bucket, key = routes.split_path(request)
        except S3Error as error:
            self._path_error = error
        self.call = Call(fake.state, request, self.operation, bucket, key)
        self.entry: Entry = fake.log.begin(request, self.operation, bucket, key)
        self.action: Action = fake.faults.take(self.operation, request)
        self._arrive()

    def _arrive(self) -> None:
        state = self.fake.state
        upload_id = self.request.query.get("uploadId")
        if upload_id is None:
            return
        with state.lock:
            upload = state.uploads.get(upload_id) or state.completing.get(upload_id)
            if upload is None or (upload.bucket, upload.key) != (self.call.bucket, self.call.key):
                return
            self._note_violations(upload)
            if upload_id not in state.uploads:
                return
            self.call.upload = upload
            if self.operation in _PARTS:
                state.part_begins(upload)
            elif self.operation == "CompleteMultipartUpload":
                state.complete_begins(upload)

    def _note_violations(self, upload: Upload) -> None:
        """Abort and Complete must wait for parts, and nothing may overtake a Complete."""
        ends = self.operation in ("AbortMultipartUpload", "CompleteMultipartUpload")
        if ends and upload.in_flight:
            self._violation(f"while {upload.in_flight} parts were in flight")
        completing = upload.upload_id in self.fake.state.completing
        if self.operation in ("AbortMultipartUpload", *_PARTS) and completing:
            self._violation("while a Complete was unanswered")

    def _violation(self, what: str) -> None:
        self.fake.state.violations.append(f"{self.operation} of {self.call.key!r} came {what}")

    def leave(self) -> None:
        """The request is decided; called before its answer is written."""
        upload = self.call.upload
        if upload is None:
            return
        if self.operation in _PARTS:
            self.fake.state.part_ends(upload)
        elif self.operation == "CompleteMultipartUpload":
            self.fake.state.complete_ends(upload)

    def early_answer(self, length: str) -> Answer | None:
        """A refusal that comes without reading the body."""
        if self.request.header("transfer-encoding") is not None:
            return self._refuse(S3Error(411, "MissingContentLength", "Content-Length is needed"))
        if not length.isdigit() and (length or self.request.method in _METHODS_WITH_BODY):
            return self._refuse(S3Error(411, "MissingContentLength", "Content-Length is needed"))
        return None

    def _refuse(self, error: S3Error) -> Answer:
        self.fake.log.end(self.entry, error.status, error.code)
        request_id = uuid.uuid4().hex[:16].upper()
        answer = error_answer(error, self.request.raw_path, request_id)
        return answer.with_headers(self._signed_by(request_id))

    def answer(self, request: Incoming) -> Answer:
        """Check, carry out, answer.

        :raises Dropped: a scripted fault wants a reset.
        """
        self.entry.body_length = len(request.body)
        if len(request.body) <= KEPT_BODY:
            self.entry.body = bytes(request.body)
        try:
            done = self._carry_out(self.action.received(request))
        except S3Error as error:
            return self._refuse(error)
        except (Dropped, OSError):
            raise
        except Exception as error:
            # A mistake in the fake must not look like a fault of the network.
            self._violation(f"and the fake server failed: {error!r}")
            return self._refuse(S3Error(500, "InternalError", f"The fake server failed: {error!r}"))
        answer = self.action.answered(done)
        self.fake.log.end(self.entry, answer.status)
        answer = answer.with_headers(self._signed_by(uuid.uuid4().hex[:16].upper()))
        return google.answered(answer, self.fake.options.vendor)

    def _signed_by(self, request_id: str) -> list[tuple[str, str]]:
        """What all answers of S3 have."""
        now = http_date(self.fake.options.clock())
        return [("Date", now), ("x-amz-request-id", request_id), ("x-amz-id-2", "fake")]

    def _carry_out(self, request: Incoming) -> Answer:
        if self._path_error is not None:
            raise self._path_error
        check_host(request, self.fake.options, host=self.fake.host, port=self.fake.port)
        options = options_of_name(request, self.fake.options)
        check_home(request, options, self.call.bucket)
        check_body(request, options, authenticate(request, options))
        request = decoded(request)
        if options.vendor != google.AMAZON:
            exists = (self.call.bucket, self.call.key) in self.fake.state.objects
            google.check(request, self.operation, exists=exists)
            request = google.translated(request, options.vendor)
        if self.operation in ("PutObject", "UploadPart", "DeleteObjects"):
            check_checksum(request, self.fake.options)
        self.call.request = self.action.verified(request)
        return routes.perform(self.call)
