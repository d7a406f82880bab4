# SPDX-License-Identifier: Apache-2.0
"""Who may do what with containers and objects of Google Cloud Storage, by its JSON API.

The names are public as ``libcloud.storage.drivers.google_storage``.

Reference: Google Cloud Storage, "JSON API: BucketAccessControls, ObjectAccessControls".
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from libcloud.common.types import ProviderError
from libcloud.storage.arguments import check_name

__all__ = ["ContainerPermissions", "GooglePermissions", "ObjectPermissions"]

_REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_NO_SUCH_GENERATION = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)


class ContainerPermissions:
    """What may be done with a container, the least first."""

    values = ("NONE", "READER", "WRITER", "OWNER")
    NONE = 0
    READER = 1
    WRITER = 2
    OWNER = 3


class ObjectPermissions:
    """What may be done with an object, the least first."""

    values = ("NONE", "READER", "OWNER")
    NONE = 0
    READER = 1
    OWNER = 2


class GooglePermissions:
    """The methods of the driver that are about permissions."""

    connection: Any
    json_connection: Any

    def ex_delete_permissions(
        self, container_name: str, object_name: str | None = None, entity: str | None = None
    ) -> None:
        """Take away what ``entity`` may do with a container, or with an object in it.

        :param entity: such as ``user-somebody@example.org`` or ``allUsers``; ``None``: the user of
            the driver, if it has one.
        :raises ValueError: neither is there. Nothing was sent.
        """
        entity = quote(self._entity(entity), safe="@")
        path = f"{_acl_path(container_name, object_name)}/{entity}"
        self.json_connection.request(path, method="DELETE")

    def ex_get_permissions(
        self, container_name: str, object_name: str | None = None
    ) -> tuple[int, int | None]:
        """What the user may do: a level of ``ContainerPermissions``, and of ``ObjectPermissions``.

        :return: the second is ``None`` without an ``object_name``.
        """
        object_level = None
        if object_name:
            object_level = self._get_object_permissions(container_name, object_name)
        return self._get_container_permissions(container_name), object_level

    def ex_set_permissions(
        self,
        container_name: str,
        object_name: str | None = None,
        entity: str | None = None,
        role: int | str | None = None,
    ) -> None:
        """Say what ``entity`` may do with a container, or with an object in it.

        :param entity: see :meth:`ex_delete_permissions`.
        :param role: a level of ``ContainerPermissions`` or ``ObjectPermissions``, or its name.
        :raises ValueError: there is no such level, or no entity. Nothing was sent.
        """
        if isinstance(role, int):
            kind = ObjectPermissions if object_name else ContainerPermissions
            if not 0 <= role < len(kind.values):
                raise ValueError(
                    f"{role} is not a valid role level for container={container_name} "
                    f"object={object_name}"
                )
            role = kind.values[role]
        elif not role:
            raise ValueError(f"{role} is not a valid permission.")
        self.json_connection.request(
            _acl_path(container_name, object_name),
            method="POST",
            data=json.dumps({"role": role, "entity": self._entity(entity)}),
        )

    def _get_container_permissions(self, container_name: str) -> int:
        """The highest level that a request shows."""
        status = self._status_of(_acl_path(container_name, None))
        if status == HTTPStatus.OK:
            return ContainerPermissions.OWNER
        if status == HTTPStatus.NOT_FOUND:
            return ContainerPermissions.NONE
        if self._may_write(container_name):
            return ContainerPermissions.WRITER
        if self._status_of(_bucket_path(container_name)) == HTTPStatus.OK:
            return ContainerPermissions.READER
        return ContainerPermissions.NONE

    def _get_object_permissions(self, container_name: str, object_name: str) -> int:
        """The highest level that a request shows."""
        if self._status_of(_acl_path(container_name, object_name)) == HTTPStatus.OK:
            return ObjectPermissions.OWNER
        if self._status_of(_object_path(container_name, object_name)) == HTTPStatus.OK:
            return ObjectPermissions.READER
        return ObjectPermissions.NONE

    def _may_write(self, container_name: str) -> bool:
        """Ask for a deletion that cannot happen: of an object, on condition that it is not there.

        The condition stands in the form of either API. Those who may not write get a 403 first.
        """
        try:
            self.json_connection.request(
                _object_path(container_name, "writecheck"),
                params={"ifGenerationMatch": "0"},
                headers={"x-goog-if-generation-match": "0"},
                method="DELETE",
            )
        except ProviderError as error:
            if error.http_code in _NO_SUCH_GENERATION:
                return True
            if error.http_code != HTTPStatus.FORBIDDEN:
                raise
        return False

    def _status_of(self, path: str) -> int:
        """200, 403 or 404.

        :raises ProviderError: it is another one.
        """
        try:
            self.json_connection.request(path)
        except ProviderError as error:
            if error.http_code not in _REFUSED:
                raise
            return int(error.http_code)
        return HTTPStatus.OK

    def _entity(self, entity: str | None) -> str:
        if entity:
            return entity
        user = self._get_user()
        if not user:
            raise ValueError("Must provide an entity. Driver is not using an authenticated user.")
        return f"user-{user}"

    def _get_user(self) -> str | None:
        """Who asks with an access token; ``None`` for an access key."""
        credential = self.connection.oauth2_credential
        return credential.user_id if credential else None


def _clean_object_name(name: str) -> str:
    """``name`` as one segment of a path."""
    return quote(name, safe="")


def _bucket_path(container_name: str) -> str:
    check_name(container_name, "container_name")
    return f"/storage/v1/b/{_clean_object_name(container_name)}"


def _object_path(container_name: str, object_name: str) -> str:
    check_name(object_name, "object_name")
    return f"{_bucket_path(container_name)}/o/{_clean_object_name(object_name)}"


def _acl_path(container_name: str, object_name: str | None) -> str:
    if object_name:
        return f"{_object_path(container_name, object_name)}/acl"
    return f"{_bucket_path(container_name)}/acl"
