# SPDX-License-Identifier: Apache-2.0
"""Deletion of many objects: up to 1,000 by one request, and singly where that is not possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.s3.names import MAX_KEY_BYTES
from libcloud.storage.transfer.values import Failure
from libcloud.storage.types import DeletedObject, Deletion, FailedDeletion

if TYPE_CHECKING:
    from libcloud.storage.base import Container
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.values import DeleteResult
    from libcloud.storage.worker_pool import WorkerPool

# Amazon S3 API Reference, DeleteObjects.
_KEYS_PER_REQUEST = 1000

# The name under which the client remembers that the store refuses the request.
_FEATURE = "DeleteObjects"

# Statuses and codes of stores that do not support DeleteObjects.
_UNSUPPORTED_STATUSES = (405, 501)
_UNSUPPORTED_CODES = frozenset({"MalformedXML", "MethodNotAllowed", "NotImplemented"})

# What requests fail with; anything else is a mistake in the program and propagates.
_ERRORS = (LibcloudError, OSError)

_Place = tuple["Container", str]


class BulkDeletion:
    """Deletes many objects of one store.

    :param path_of: returns the path of a container, or raises.
    :param delete_one: deletes one object; its outcome.
    :param supported: the store may support DeleteObjects. It is tried then; a store that refuses
        it is not asked again.
    :param quiet: have the store name only what it did not delete, and take the rest for deleted.
    """

    def __init__(
        self,
        client: S3Client,
        pool: WorkerPool,
        path_of: Callable[[Container], str],
        delete_one: Callable[[_Place], Deletion],
        *,
        supported: bool,
        quiet: bool,
    ) -> None:
        self._client = client
        self._pool = pool
        self._path_of = path_of
        self._delete_one = delete_one
        self._supported = supported
        self._quiet = quiet

    def delete(self, places: Iterable[_Place]) -> Iterator[Deletion]:
        """Delete the objects; what became of each, in their order.

        :param places: containers and names; read as far ahead as the worker pool needs.
        """
        if not self._is_supported:
            yield from self._delete_singly(places)
            return
        places = iter(places)
        batches = iter(lambda: list(islice(places, _KEYS_PER_REQUEST)), [])
        for result in self._pool.map(self._delete_batch, batches):
            yield from result.value or ()

    @property
    def _is_supported(self) -> bool:
        return self._supported and _FEATURE not in self._client.unsupported.names

    def _delete_singly(self, places: Iterable[_Place]) -> Iterator[Deletion]:
        """By one request each, several at a time."""
        for result in self._pool.map(self._delete_one, places):
            assert result.value is not None
            yield result.value

    def _delete_batch(self, places: Sequence[_Place]) -> list[Deletion]:
        containers = {container.name: container for container, _ in places}
        results: dict[tuple[str, str], Deletion] = {}
        for one, container in containers.items():
            names = list(dict.fromkeys(name for other, name in places if other.name == one))
            for name, result in self._delete_in(container, names).items():
                results[one, name] = result
        return [results[container.name, name] for container, name in places]

    def _delete_in(self, container: Container, names: Sequence[str]) -> dict[str, Deletion]:
        """What became of each of ``names``."""
        together = [name for name in names if _fits_a_list(name)] if self._is_supported else []
        results = self._delete_together(container, together) if together else {}
        apart = [(container, name) for name in names if name not in results]
        singly = {result.object_name: result for result in self._delete_singly(apart)}
        return {**results, **singly}

    def _delete_together(self, container: Container, names: Sequence[str]) -> dict[str, Deletion]:
        """By one request, repeated for keys that failed temporarily.

        :return: what became of ``names``; those that the store did not mention are missing.
        """
        results: dict[str, Deletion] = {}
        retries, attempt, pending = self._client.retries(), 1, names
        while pending:
            try:
                answer = self._client.retry(partial(self._send, container, pending))
            except _ERRORS as error:
                return {**results, **self._refused(container, pending, error)}
            read = self._outcomes(answer, container, pending)
            results.update(read)
            pending = [name for name in pending if name in read and _may_pass(read[name])]
            if not pending:
                break
            some_failed = LibcloudError("some objects were not deleted")
            delay = retries.delay_after(attempt, Failure(some_failed, transient=True))
            if delay is None:
                break
            self._client.sleep(delay)
            attempt += 1
        return results

    def _refused(
        self, container: Container, names: Sequence[str], error: Exception
    ) -> dict[str, Deletion]:
        """What became of ``names`` after a request that failed with ``error``.

        A user who may delete objects may be forbidden to delete them in bulk: one object shows it.
        """
        status, code = getattr(error, "status", None), getattr(error, "code", None)
        if status in _UNSUPPORTED_STATUSES or code in _UNSUPPORTED_CODES:
            self._client.unsupported.add([_FEATURE])
            return {}
        failed: dict[str, Deletion] = {
            name: FailedDeletion(container.name, name, error) for name in names
        }
        if status != 403:
            return failed
        first = self._delete_one((container, names[0]))
        if not first.deleted:
            return {**failed, names[0]: first}
        self._client.unsupported.add([_FEATURE])
        return {names[0]: first}

    def _send(self, container: Container, names: Sequence[str]) -> DeleteResult | None:
        """By one request; ``None`` if the response has no body, so that no outcome is known."""
        what = f"Error deleting {len(names)} objects of {container.name}"
        response = self._client.send_once(
            s3.requests.delete_objects(self._path_of(container), keys=names, quiet=self._quiet),
            what,
            ok=(200, 204),
            container_name=container.name,
        )
        if not s3.response.text_of(response.body).strip():
            return None
        return self._client.parse(s3.responses.parse_deleted, response, what)

    def _outcomes(
        self, answer: DeleteResult | None, container: Container, names: Sequence[str]
    ) -> dict[str, Deletion]:
        """What became of those of ``names`` that ``answer`` mentions.

        With ``quiet`` it implies all, unless it has an entry that belongs to none of them.
        """
        results: dict[str, Deletion] = {}
        if answer is None:
            return results
        errors = {key: (code, message) for key, code, message in answer.errors}
        quiet = self._quiet and {*errors, *answer.deleted} <= set(names)
        for name in names:
            if name in errors and errors[name][0] == "NoSuchKey":
                results[name] = DeletedObject(container.name, name)
            elif name in errors:
                error = self._error(container, name, *errors[name])
                results[name] = FailedDeletion(container.name, name, error)
            elif quiet or name in answer.deleted:
                results[name] = DeletedObject(container.name, name)
        return results

    def _error(self, container: Container, name: str, code: str, message: str) -> LibcloudError:
        detail = s3.errors.ErrorDetail(200, code, message)
        text = f"Error deleting {container.name}/{name}: {s3.errors.describe(detail)}"
        return self._client.error_of(detail, text, container.name, name)


def _fits_a_list(name: str) -> bool:
    """Whether ``name`` can be deleted together with others; an invalid one would fail them all."""
    return s3.requests.can_express(name) and 0 < len(name.encode()) <= MAX_KEY_BYTES


def _may_pass(result: Deletion) -> bool:
    """Whether the error is temporary; one that is not known is taken to be permanent."""
    return isinstance(result, FailedDeletion) and result.code in s3.errors.TRANSIENT_CODES
