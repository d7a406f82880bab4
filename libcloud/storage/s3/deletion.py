# SPDX-License-Identifier: Apache-2.0
"""Deletion of many objects: up to 1,000 by one request, and singly where that is not possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.s3.names import MAX_KEY_BYTES
from libcloud.storage.transfer.values import Failure
from libcloud.storage.types import DeletedObject, Deletion, FailedDeletion, Place

if TYPE_CHECKING:
    from libcloud.storage.base import Container
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.responses import DeleteResult

# Amazon S3 API Reference, DeleteObjects.
_KEYS_PER_REQUEST = 1000

# The name under which the client remembers that the store refuses the request.
_FEATURE = "DeleteObjects"

# Statuses and codes of stores that do not support DeleteObjects.
_UNSUPPORTED_STATUSES = (405, 501)
_NO_LONGER_THERE = ("NoSuchKey", "NoSuchVersion")
_UNSUPPORTED_CODES = frozenset({"MalformedXML", "MethodNotAllowed", "NotImplemented"})

# What requests fail with; anything else is a mistake in the program and propagates.
_ERRORS = (LibcloudError, OSError)

# A key and the id of a version, which is ``None`` for the object.
_Key = tuple[str, str | None]


class BulkDeletion:
    """Deletes many objects of the store of ``driver``.

    DeleteObjects is tried if the profile allows it; a store that refuses it is not asked again.

    :param quiet: have the store name only what it did not delete, and take the rest for deleted.
    """

    def __init__(self, driver: Any, *, quiet: bool) -> None:
        self._driver = driver
        self._client: S3Client = driver._client
        self._quiet = quiet

    def delete(self, places: Iterable[Place]) -> Iterator[Deletion]:
        """Delete the objects; what became of each, in their order."""
        if not self._is_supported:
            yield from self._delete_singly(places)
            return
        places = iter(places)
        batches = iter(lambda: list(islice(places, _KEYS_PER_REQUEST)), [])
        for result in self._driver._pool.map(self._delete_batch, batches):
            yield from result.value or ()

    @property
    def _is_supported(self) -> bool:
        return self._driver.profile.bulk_delete and _FEATURE not in self._client.unsupported.names

    def _delete_singly(self, places: Iterable[Place]) -> Iterator[Deletion]:
        for result in self._driver._pool.map(self._driver._delete_place, places):
            assert result.value is not None
            yield result.value

    def _delete_batch(self, places: Sequence[Place]) -> list[Deletion]:
        containers = {place.container.name: place.container for place in places}
        results: dict[tuple[str, _Key], Deletion] = {}
        for one, container in containers.items():
            keys = list(dict.fromkeys(_key(place) for place in places if place[0].name == one))
            for key, result in self._delete_in(container, keys).items():
                results[one, key] = result
        return [results[place.container.name, _key(place)] for place in places]

    def _delete_in(self, container: Container, keys: Sequence[_Key]) -> dict[_Key, Deletion]:
        together = [key for key in keys if _fits_a_list(key)] if self._is_supported else []
        results = self._delete_together(container, together) if together else {}
        apart = [Place(container, *key) for key in keys if key not in results]
        singly = {(one.object_name, one.version_id): one for one in self._delete_singly(apart)}
        return {**results, **singly}

    def _delete_together(self, container: Container, keys: Sequence[_Key]) -> dict[_Key, Deletion]:
        """By one request, repeated for keys that failed temporarily."""
        results: dict[_Key, Deletion] = {}
        retries, attempt, pending = self._client.retry_loop.retries(), 1, keys
        while pending:
            try:
                response = self._client.retry_loop.run(partial(self._send, container, pending))
            except _ERRORS as error:
                return {**results, **self._refused(container, pending, error)}
            read = self._outcomes(response, container, pending)
            results.update(read)
            transient = s3.errors.TRANSIENT_CODES  # an unknown one is taken to be permanent
            pending = [key for key in pending if getattr(read.get(key), "code", "") in transient]
            if not pending:
                break
            some_failed = LibcloudError("some objects were not deleted")
            delay = retries.delay_after(attempt, Failure(some_failed, transient=True))
            if delay is None:
                break
            self._client.retry_loop.sleep(delay)
            attempt += 1
        return results

    def _refused(
        self, container: Container, keys: Sequence[_Key], error: Exception
    ) -> dict[_Key, Deletion]:
        """The results after a request that failed.

        A user who may delete objects may be forbidden to delete them in bulk: one object shows it.
        """
        status, code = getattr(error, "status", None), getattr(error, "code", None)
        if status in _UNSUPPORTED_STATUSES or code in _UNSUPPORTED_CODES:
            self._client.unsupported.add([_FEATURE])
            return {}
        failed: dict[_Key, Deletion] = {
            (name, version): FailedDeletion(container.name, name, error, version)
            for name, version in keys
        }
        if status != 403:
            return failed
        first = self._driver._delete_place(Place(container, *keys[0]))
        if not first.deleted:
            return {**failed, keys[0]: first}
        self._client.unsupported.add([_FEATURE])
        return {keys[0]: first}

    def _send(self, container: Container, keys: Sequence[_Key]) -> DeleteResult | None:
        """By one request; ``None`` if the response has no body, so that no outcome is known."""
        what = f"Error deleting {len(keys)} objects of {container.name}"
        path = self._driver._get_container_path(container)
        request = s3.requests.delete_objects(path, keys=keys, quiet=self._quiet)
        names = (container.name, "")
        response = self._client.send_once(request, what, ok=(200, 204), names=names)
        if not s3.http_response.text_of(response.body).strip():
            return None
        return self._client.parse(s3.responses.parse_deleted, response, what)

    def _outcomes(
        self, response: DeleteResult | None, container: Container, keys: Sequence[_Key]
    ) -> dict[_Key, Deletion]:
        """The results for those of ``keys`` that ``response`` mentions.

        With ``quiet`` it implies all, unless it has an entry that belongs to none of them.
        """
        results: dict[_Key, Deletion] = {}
        if response is None:
            return results
        known = set(keys)
        errors = {_as_sent(key, known): rest for key, *rest in response.errors}
        deleted = {_as_sent(key, known) for key in response.deleted}
        quiet = self._quiet and {*errors, *deleted} <= known
        for key in keys:
            name, version = key
            if key in errors and errors[key][0] in _NO_LONGER_THERE:
                results[key] = DeletedObject(container.name, name, version)
            elif key in errors:
                error = self._error(container, key, *errors[key])
                results[key] = FailedDeletion(container.name, name, error, version)
            elif quiet or key in deleted:
                results[key] = DeletedObject(container.name, name, version)
        return results

    def _error(self, container: Container, key: _Key, code: str, message: str) -> LibcloudError:
        detail = s3.errors.ErrorDetail(200, code, message)
        label = s3.names.label_of(container.name, *key)
        text = f"Error deleting {label}: {s3.errors.describe(detail)}"
        known = self._client.error_for(detail, text, (container.name, key[0]))
        return known or s3.errors.attach_detail(LibcloudError(text, self._driver), detail)


def _key(place: Place) -> _Key:
    return place.name, place.version_id


def _as_sent(key: _Key, sent: set[_Key]) -> _Key:
    """The key of a response, as the request had it.

    Some stores name a version, such as "null", where the request named none.
    """
    return (key[0], None) if key not in sent and (key[0], None) in sent else key


def _fits_a_list(key: _Key) -> bool:
    """Whether ``key`` can be deleted together with others; an invalid one would fail them all."""
    name, version_id = key
    if version_id is not None and not s3.requests.can_express(version_id):
        return False
    return s3.requests.can_express(name) and 0 < len(name.encode()) <= MAX_KEY_BYTES
