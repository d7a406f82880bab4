# SPDX-License-Identifier: Apache-2.0
"""How an object goes as the body of one request: with its digest, and again when that may help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from libcloud import common
from libcloud.common.response import RawResponse
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import drivers, s3, transfer
from libcloud.storage.drivers.s3_calls import S3Calls
from libcloud.storage.s3.client import detail_of, failure_of
from libcloud.storage.types import ObjectHashMismatchError, UploadOutcomeUnknownError

if TYPE_CHECKING:
    from libcloud.storage.drivers.s3_store import Published
    from libcloud.storage.payload import Payload
    from libcloud.storage.transfer.values import Digest, Failure

__all__ = ["S3Bodies"]

_CONTENT_SHOWN = 4096  # bytes looked at of a body that should be empty


class S3Bodies(S3Calls):
    """What ``_upload_object`` sends."""

    def _digest_name(self, asked: str | None, headers: Mapping[str, str]) -> str:
        """Which digest to send along; see :func:`~s3.integrity.choose_digest`.

        It is marked if nobody asked for it, and another one if the store refuses it.
        """
        profile = self.profile
        if asked == "auto" and s3.optional.CHECKSUM in self._client.unsupported.names:
            profile = replace(profile, default_checksum=None)
        name = s3.integrity.choose_digest(
            profile,
            signature=self._client.signature_version(),
            secure=bool(getattr(self.connection, "secure", False)),
            asked=asked,
            locked=s3.headers.has_lock(headers),
        )
        return s3.optional.Unasked(name) if asked == "auto" else name

    def _send_payload(
        self, payload: Payload, path: str, method: str, headers: dict[str, str]
    ) -> Any:
        """Send a body as often as the policy allows, if it can be sent again.

        One that was read before it is sent goes with its digest.
        """
        digest = transfer.values.Digest()
        if isinstance(payload.body, bytes) and not s3.headers.has_digest(headers):
            digest = s3.integrity.DIGESTS[self._digest_name("auto", headers)](payload.body)
            headers = {**headers, **s3.optional.unasked(digest.headers)}
        retries, attempt, lost = self._client.retries(), 1, False
        while True:
            response, failure = self._send_once(payload, path, method, headers, digest)
            found = _refused(failure, headers)
            if found:
                headers = s3.optional.without_headers(headers, found)
                response, failure = self._send_once(payload, path, method, headers, digest)
                if failure is None:
                    self._client.unsupported.add(found)
            if failure is None:
                retries.succeeded()
                return response
            delay, lost = None, lost or failure.effect_unknown
            if _can_go_again(payload, headers, failure):
                delay = retries.delay_after(attempt, failure)
            if delay is None and lost and isinstance(payload.body, bytes):
                response = self._look_for(payload, path, headers, digest, failure) or response
            if delay is None and response is None:
                raise failure.error
            if delay is None:
                return response
            self._client.sleep(delay)
            attempt += 1
            if not isinstance(payload.body, bytes):
                payload.body.seek(0)  # type: ignore[union-attr]  # see _can_go_again

    def _look_for(
        self,
        payload: Payload,
        path: str,
        headers: dict[str, str],
        digest: Digest,
        failure: Failure,
    ) -> Published | None:
        """The answer to a look, if it says that the object is stored although no answer did.

        :raises UploadOutcomeUnknownError: the look does not tell.
        """
        label = unquote(path.partition("?")[0].lstrip("/"))
        sent = s3.headers.headers_for(transfer.values.Step.CONFIRM, headers)
        sent.update(s3.optional.unasked(s3.integrity.look_headers(digest)))
        found: Mapping[str, str] = {}
        try:
            request = s3.requests.head(path, sent)
            response = self._client.send(request, f"Error looking for {label}", ok=(200, 404))
            if response.status == 404 or response.headers.get("content-length") != str(
                payload.size
            ):
                return None
            found = dict(response.headers)
        except MalformedResponseError:
            if isinstance(failure.error, MalformedResponseError):
                return None  # neither answer is the store's: that is what to tell
        except LibcloudError:
            pass
        same = self._is_same(
            payload, digest, found, encrypted=drivers.s3_answers.encrypted(headers)
        )
        if same is not None:
            return drivers.s3_store.Published(200, found) if same else None
        raise UploadOutcomeUnknownError(
            f"the outcome of the upload of {label} is unknown: the store's answer was lost "
            f"({failure.error}). Look whether the object is there, with {payload.size} bytes",
            self,
            label.partition("/")[2],
        ) from failure.error

    def _is_same(
        self, payload: Payload, digest: Digest, found: Mapping[str, str], *, encrypted: bool
    ) -> bool | None:
        """Whether an object with the headers ``found`` is what was sent, as far as they tell."""
        opaque = encrypted or drivers.s3_answers.encrypted(found)
        told = s3.integrity.told(self.profile, digest, found, opaque=opaque)
        if told is not None:
            return told.same
        etag = s3.etags.strip_etag(found.get("etag", ""))
        if opaque or not s3.integrity.is_md5(etag):
            return None
        return etag == payload.digest()

    def _contradiction(
        self, digest: Digest, headers: Mapping[str, str], path: str
    ) -> ObjectHashMismatchError | None:
        """What to say of an answer that tells another checksum than was sent.

        Its ETag is looked at later, and only if the caller wants it.
        """
        told = s3.integrity.told(self.profile, digest, headers, opaque=True)
        if told is None or told.same:
            return None
        return ObjectHashMismatchError(
            f"the store has {path} with the {told.algorithm} {told.value}, and "
            f"{told.expected} was sent: the object is damaged",
            self,
            unquote(path.partition("?")[0].split("/", 2)[-1]),
        )

    def _confirmed(
        self, headers: Mapping[str, str], data_hash: str | None
    ) -> dict[str, str] | None:
        """The checksum of an object that the store told, after it was compared.

        :param headers: of the answer; names in lower case.
        :param data_hash: MD5 of what was sent, hexadecimal.
        """
        found = s3.checksums.checksum_in(headers)
        if found is not None:
            return {"algorithm": found[0].name, "value": s3.checksums.encoded(found[1])}
        etag = s3.etags.strip_etag(headers.get("etag", ""))
        if etag != data_hash or not s3.integrity.is_md5(etag) or not self.profile.etag_is_md5:
            return None
        return (
            None if drivers.s3_answers.encrypted(headers) else {"algorithm": "md5", "value": etag}
        )

    def _request(self, action: str, **arguments: Any) -> Any:
        return self._client.request(action, **arguments)

    def _send_once(
        self, payload: Payload, path: str, method: str, headers: dict[str, str], digest: Digest
    ) -> tuple[Any, Failure | None]:
        """The answer, ``None`` if there is none, and what went wrong, if anything did."""
        what = f"Error uploading {unquote(path.partition('?')[0].lstrip('/'))}"
        try:
            response = super()._send_payload(payload, path, method, headers)
            content = _content_of(response)
        except Exception as error:
            from libcloud.http import network_error

            return None, failure_of(network_error(error, what, self) or error)
        if response.status >= 400:
            detail = detail_of(response)
            refusal = LibcloudError(s3.errors.describe(detail), driver=self)
            return response, failure_of(s3.errors.attach_detail(refusal, detail))
        if content:
            refused = self._refused_by_content(response, content, what)
            if refused is not None:
                return None, failure_of(refused)
        wrong = self._contradiction(digest, response.headers, path)
        if wrong is None:
            return response, None
        return None, transfer.values.Failure(wrong, transient=True, contradicted=True)

    def _refused_by_content(self, response: Any, content: bytes, what: str) -> LibcloudError | None:
        """What to raise because of the body of an answer that begins like a success.

        :param content: the start of it.
        """
        if s3.xml.parse_error(content) is not None:
            detail = s3.errors.error_detail(int(response.status), response.headers, content)
            error = LibcloudError(f"{what}: {s3.errors.describe(detail)}", driver=self)
            return s3.errors.attach_detail(error, detail)
        text = s3.evidence.text_of(content)
        if not s3.evidence.unexpected_content("PUT", text, etag=response.headers.get("etag", "")):
            return None
        return s3.evidence.not_the_store(self.connection, response.status, text, what)


def _content_of(response: Any) -> bytes:
    """The start of a body that a successful answer to a PUT should not have.

    Nothing is read of a body that is announced as empty, nor of one of a foreign class.
    """
    if not isinstance(response, RawResponse) or not 200 <= response.status < 300:
        return b""
    if response.status == 204 or response.headers.get("content-length") == "0":
        return b""
    content: bytes = next(response.iter_content(_CONTENT_SHOWN), b"")
    response._response.close()
    return content


def _refused(failure: Failure | None, headers: Mapping[str, str]) -> frozenset[str]:
    """What was refused although nobody asked for it."""
    detail = getattr(failure.error, "detail", None) if failure is not None else None
    return s3.optional.refused(detail, common.request.HttpRequest("PUT", "/", headers=headers))


def _can_go_again(payload: Payload, headers: Mapping[str, str], failure: Failure) -> bool:
    """Whether the same data can be sent once more, and would mean the same."""
    if payload.source_error is not None:
        return False
    may_be_there = failure.effect_unknown or failure.contradicted
    if may_be_there and s3.headers.has_condition(headers):
        return False  # it would meet the object that the attempt before may have made
    return isinstance(payload.body, bytes) or hasattr(payload.body, "seek")
