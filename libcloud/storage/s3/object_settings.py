# SPDX-License-Identifier: Apache-2.0
"""What can be changed of a stored object: its tags, its legal hold and its retention.

Reference: Amazon S3 API Reference, GetObjectTagging, GetObjectLegalHold and GetObjectRetention, and
their counterparts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar
from xml.sax.saxutils import escape

from libcloud.common.request import HttpRequest
from libcloud.common.types import MalformedResponseError
from libcloud.storage import s3
from libcloud.storage.base import Object
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import MalformedDocumentError, Node, read_root
from libcloud.storage.s3.values import Retention, parse_time

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client

_T = TypeVar("_T")

# Other codes of a 404 are about the setting: NoSuchObjectLockConfiguration, and those of servers.
_NO_OBJECT = ("", "NoSuchBucket", "NoSuchKey", "NoSuchVersion")


@dataclass(frozen=True, slots=True)
class ObjectSetting:
    """One setting of one object.

    :param path: of the object, encoded.
    :param name: of the subresource: ``"tagging"``.
    :param label: for messages: ``"tags"``.
    """

    client: S3Client
    path: str
    obj: Object
    name: str
    label: str

    def get(self, parse: Callable[[Any], _T]) -> _T | None:
        """What ``parse`` reads from the document; ``None`` if the object has no such setting.

        :raises ObjectDoesNotExistError: there is no such object or version.
        """
        what = f"Error getting the {self.label} of {self._place}"
        response = self._send(HttpRequest("GET", self.path, ((self.name, None),)), what)
        if response.status == 404:
            if s3.client.detail_of(response).code in _NO_OBJECT:
                raise self._missing(response)
            return None
        return self.client.parse(parse, response, what)

    def put(self, body: str, headers: Mapping[str, str] | None = None) -> None:
        """Set it to the document ``body``."""
        request = s3.settings.put_document(self.path, self.name, body.encode(), headers)
        self._change(request, f"Error setting the {self.label} of {self._place}")

    def delete(self) -> None:
        """Remove the setting."""
        request = HttpRequest("DELETE", self.path, ((self.name, None),))
        self._change(request, f"Error removing the {self.label} of {self._place}")

    def _change(self, request: HttpRequest, what: str) -> None:
        response = self._send(request, what)
        if response.status == 404:
            raise self._missing(response)

    def _send(self, request: HttpRequest, what: str) -> Any:
        obj = self.obj
        with s3.versions.explained_errors(self.client, obj.name, self._version_id):
            return self.client.send(
                s3.requests.of_version(request, self._version_id),
                what,
                ok=(200, 204, 404),
                names=(obj.container.name, obj.name),
            )

    def _missing(self, response: Any) -> Exception:
        place = (self.obj.container.name, self.obj.name, self._version_id)
        return self.client.object_not_found(response, *place)

    @property
    def _version_id(self) -> str | None:
        return s3.versions.version_of(self.obj)

    @property
    def _place(self) -> str:
        return s3.names.label_of(self.obj.container.name, self.obj.name, self._version_id)


def tags(setting: ObjectSetting) -> dict[str, str]:
    """The tags of an object."""
    return setting.get(_parse_tags) or {}


def set_tags(setting: ObjectSetting, tags: Mapping[str, str]) -> None:
    """Replace all tags."""
    if not tags:
        setting.delete()
        return
    texts = (f"<Tag>{_field('Key', key)}{_field('Value', tags[key])}</Tag>" for key in tags)
    setting.put(f'<Tagging xmlns="{NAMESPACE}"><TagSet>{"".join(texts)}</TagSet></Tagging>')


def legal_hold(setting: ObjectSetting) -> bool:
    """Whether there is a legal hold on the object."""
    return bool(setting.get(_parse_legal_hold))


def set_legal_hold(setting: ObjectSetting, hold: bool) -> None:
    """Place or remove a legal hold."""
    status = "ON" if hold else "OFF"
    setting.put(f'<LegalHold xmlns="{NAMESPACE}"><Status>{status}</Status></LegalHold>')


def retention(setting: ObjectSetting) -> Retention | None:
    """How long the object is retained; ``None``: it is not."""
    return setting.get(_parse_retention)


def set_retention(setting: ObjectSetting, retention: Retention | None, *, bypass: bool) -> None:
    """Retain the object; ``None`` ends it, which requires ``bypass`` and the permission."""
    inner = ""
    if retention is not None:
        until = retention.until.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        inner = f"{_field('Mode', retention.mode)}{_field('RetainUntilDate', until)}"
    headers = {"x-amz-bypass-governance-retention": "true"} if bypass else {}
    setting.put(f'<Retention xmlns="{NAMESPACE}">{inner}</Retention>', headers)


def check_retention(mode: object, until: object) -> None:
    """:raises ValueError: there is no such mode, or the time has no zone."""
    if mode not in ("GOVERNANCE", "COMPLIANCE"):
        raise ValueError(f"mode is 'GOVERNANCE' or 'COMPLIANCE', not {mode!r}")
    if not isinstance(until, datetime):
        raise TypeError(f"until must be a datetime, not {type(until).__name__}")
    if until.tzinfo is None:
        raise ValueError("until has no time zone")


def _field(name: str, text: str) -> str:
    if text and not s3.requests.can_express(text):
        raise ValueError(f"{name.lower()} {text[:40]!r}: XML cannot express this safely")
    return f"<{name}>{escape(text)}</{name}>"


def _root(document: Any, name: str) -> Node:
    root = read_root(document)
    if name not in root.name:
        raise MalformedDocumentError(f"The answer is {root.name}, not {name}")
    return root


def _parse_tags(document: Any) -> dict[str, str]:
    found = _root(document, "Tagging").child("TagSet")
    nodes = () if found is None else found.children("Tag")
    return {node.need("Key"): node.find("Value") or "" for node in nodes}


def _parse_legal_hold(document: Any) -> bool:
    return _root(document, "LegalHold").word("Status") == "ON"


def _parse_retention(document: Any) -> Retention | None:
    root = _root(document, "Retention")
    mode, text = root.word("Mode"), root.word("RetainUntilDate")
    if mode is None:
        return None
    until = parse_time(text)
    if until is None:
        raise MalformedResponseError(f"The store reports no time of the retention: {text!r}")
    return Retention(mode, until)
