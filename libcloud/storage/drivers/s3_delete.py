# SPDX-License-Identifier: Apache-2.0
"""Deletion of many objects: by the thousand where the store can, and one by one where it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from libcloud.common.types import LibcloudError
from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import check_container, check_object
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_uploads import S3Uploads
from libcloud.storage.s3.names import MAX_KEY_BYTES
from libcloud.storage.types import ObjectDoesNotExistError

if TYPE_CHECKING:
    from libcloud.storage.drivers.s3_deleted import Deletion
    from libcloud.storage.s3.values import DeleteAnswer
    from libcloud.storage.transfer.values import Failure

__all__ = ["S3Deletions"]

# Amazon S3 API Reference, DeleteObjects.
_KEYS_PER_REQUEST = 1000

# Statuses and codes of stores that do not know DeleteObjects.
_UNKNOWN_REQUEST = (405, 501)
_UNKNOWN_CODES = frozenset({"MethodNotAllowed", "NotImplemented"})

# What requests fail with; anything else is a mistake in the program, and goes through.
_ERRORS = (LibcloudError, OSError)


class S3Deletions(S3Uploads):
    """Many objects at once."""

    def ex_delete_objects(
        self,
        objects: Iterable[Object | str],
        container: Container | None = None,
        *,
        quiet: bool = False,
    ) -> list[Deletion]:
        """Delete ``objects``, up to 1,000 by one request. One that fails does not stop the others.

        Names that XML cannot hold are deleted one by one, and so are those that the store's answer
        does not mention, and all where the store does not know the request. What is not there
        counts as deleted.

        :param objects: objects, or names of objects in ``container``.
        :param container: needed for names; objects must be in it, if it is given.
        :param quiet: have the store name only what it did not delete, and take the rest for
            deleted.
        :return: what became of each, in the order of ``objects``. Look at it: no answer of the
            store becomes an exception here.
        :raises ValueError: a name without a container, or an object of another container or store.
            Nothing was sent.
        :raises TypeError: ``objects`` is one name or object. Nothing was sent.
        """
        if isinstance(objects, (str, Object)):
            raise TypeError("ex_delete_objects takes a list; use delete_object for one object")
        if container is not None:
            check_container(container)
        wanted = [self._place_of(one, container) for one in objects]
        containers = {place.name: place for place, _ in wanted}
        results: dict[str, dict[str, Deletion]] = {}
        for one, place in containers.items():
            names = dict.fromkeys(name for other, name in wanted if other.name == one)
            results[one] = self._delete_in(place, list(names), quiet)
        return [results[place.name][name] for place, name in wanted]

    # Inside.

    def _place_of(self, one: Object | str, container: Container | None) -> tuple[Container, str]:
        """:raises ValueError: it is not clear which object is meant."""
        if isinstance(one, str):
            if container is None:
                raise ValueError(f"Which container is {one!r} in? Pass the container, too")
            return container, one
        check_object(one)
        if container is not None and one.container.name != container.name:
            raise ValueError(
                f"{one.name!r} is in the container {one.container.name}, not in {container.name}"
            )
        if not self._client.shares_store(one.driver):
            raise ValueError(f"{one.name!r} is in another store ({one.driver.name})")
        return one.container, one.name

    def _delete_in(
        self, container: Container, names: Sequence[str], quiet: bool
    ) -> dict[str, Deletion]:
        """What became of each of ``names``."""
        results: dict[str, Deletion] = {}
        together = (name for name in names if self._fits_a_list(name))
        while batch := list(islice(together, _KEYS_PER_REQUEST)):
            results.update(self._delete_batch(container, batch, quiet))
        apart = [name for name in names if name not in results]
        return {**results, **self._delete_apart(container, apart)}

    def _fits_a_list(self, name: str) -> bool:
        """Whether ``name`` can be deleted together with others; a bad one would spoil them all."""
        if not self.profile.bulk_delete or not s3.xml.can_express(name):
            return False
        return 0 < len(name.encode()) <= MAX_KEY_BYTES

    def _delete_batch(
        self, container: Container, names: Sequence[str], quiet: bool
    ) -> dict[str, Deletion]:
        """By one request, and again for what failed for the moment."""
        results: dict[str, Deletion] = {}
        retries, attempt, left = self._client.retries(), 1, names
        while left:
            try:
                answer = self._client.retry(partial(self._delete_once, container, left, quiet))
            except _ERRORS as error:
                if _is_unknown_request(error):
                    return {**results, **self._delete_apart(container, left)}
                return {**results, **_all_failed(container, left, error)}
            read = self._read_answer(answer, container, left, quiet)
            silent = [name for name in left if name not in read]
            results.update({**read, **self._delete_apart(container, silent)})
            left = [name for name in left if _may_pass(results[name])]
            delay = retries.delay_after(attempt, _of_the_moment()) if left else None
            if delay is None:
                break
            self._client.sleep(delay)
            attempt += 1
        return results

    def _delete_once(
        self, container: Container, names: Sequence[str], quiet: bool
    ) -> DeleteAnswer | None:
        """By one request; ``None`` if the response has no body, which tells nothing of any key."""
        what = f"Error deleting {len(names)} objects of {container.name}"
        path = self._get_container_path(container)
        response = self._client.send_once(
            s3.requests.delete_objects(path, keys=names, quiet=quiet),
            what,
            ok=(200, 204),
            container_name=container.name,
        )
        if not s3.evidence.text_of(response.body).strip():
            return None
        return self._client.parse(s3.xml.parse_deleted, response, what)

    def _read_answer(
        self, answer: DeleteAnswer | None, container: Container, names: Sequence[str], quiet: bool
    ) -> dict[str, Deletion]:
        """What became of those of ``names`` that ``answer`` tells of.

        With ``quiet`` these are all: but not if it holds an entry that belongs to none of them.
        """
        results: dict[str, Deletion] = {}
        if answer is None:
            return results
        errors = {key: (code, message) for key, code, message in answer.errors}
        quiet = quiet and {*errors, *answer.deleted} <= set(names)
        for name in names:
            what = f"Error deleting {container.name}/{name}"
            if name in errors and errors[name][0] == "NoSuchKey":
                results[name] = drivers.s3_deleted.DeletedObject(container.name, name)
            elif name in errors:
                error = self._refusal(what, container, name, *errors[name])
                results[name] = drivers.s3_deleted.FailedDeletion(container.name, name, error)
            elif quiet or name in answer.deleted:
                results[name] = drivers.s3_deleted.DeletedObject(container.name, name)
        return results

    def _refusal(
        self, what: str, container: Container, name: str, code: str, message: str
    ) -> LibcloudError:
        detail = s3.errors.ErrorDetail(200, code, message)
        text = f"{what}: {s3.errors.describe(detail)}"
        error = self._client.error_for(detail, text, container.name, name)
        return error or s3.errors.attach_detail(LibcloudError(text, driver=self), detail)

    def _delete_apart(self, container: Container, names: Sequence[str]) -> dict[str, Deletion]:
        """One by one."""
        results: dict[str, Deletion] = {}
        for name in names:
            try:
                self.delete_object(Object(name, 0, None, {}, {}, container, self))
            except ObjectDoesNotExistError:
                results[name] = drivers.s3_deleted.DeletedObject(container.name, name)
            except _ERRORS as error:
                results[name] = drivers.s3_deleted.FailedDeletion(container.name, name, error)
            else:
                results[name] = drivers.s3_deleted.DeletedObject(container.name, name)
        return results


def _is_unknown_request(error: Exception) -> bool:
    """Whether the store does not know DeleteObjects."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    return status in _UNKNOWN_REQUEST or code in _UNKNOWN_CODES


def _all_failed(
    container: Container, names: Sequence[str], error: Exception
) -> dict[str, Deletion]:
    return {name: drivers.s3_deleted.FailedDeletion(container.name, name, error) for name in names}


def _may_pass(result: Deletion) -> bool:
    """Whether it is an error of the moment; one that is not known is taken for a lasting one."""
    return (
        isinstance(result, drivers.s3_deleted.FailedDeletion)
        and result.code in s3.errors.TRANSIENT_CODES
    )


def _of_the_moment() -> Failure:
    """The failure of a request that deleted only some of its objects."""
    return transfer.values.Failure(LibcloudError("some objects were not deleted"), transient=True)
