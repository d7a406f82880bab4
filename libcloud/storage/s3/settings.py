# SPDX-License-Identifier: Apache-2.0
"""Settings of buckets: versioning, and a rule that aborts unfinished uploads; and of objects: tags,
legal hold and retention.

Reference: Amazon S3 API Reference, PutBucketVersioning, PutBucketLifecycleConfiguration,
PutObjectTagging, PutObjectLegalHold, PutObjectRetention, and their counterparts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.common.request import HttpRequest
from libcloud.common.types import MalformedResponseError
from libcloud.storage import s3
from libcloud.storage.base import Object
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import MalformedDocumentError, Node, read_root
from libcloud.storage.s3.values import Retention, parse_time
from libcloud.utils.xml import serialize

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client

_T = TypeVar("_T")

_STATES = {"": "disabled", "enabled": "enabled", "suspended": "suspended"}

RULE_ID = "libcloud-abort-unfinished-uploads"
"""The name of the rule that :func:`set_upload_expiry` adds, replaces and removes."""

# A default of all lifecycle rules; S3 resets it unless it is sent again.
_KEPT = "x-amz-transition-default-minimum-object-size"

# Other codes of a 404 are about the setting: NoSuchObjectLockConfiguration, and those of servers.
_NO_OBJECT = ("", "NoSuchBucket", "NoSuchKey", "NoSuchVersion")


# Buckets.


def versioning(client: S3Client, path: str, container_name: str) -> str:
    """``"enabled"``, ``"suspended"`` or ``"disabled"``."""
    what = f"Error getting the versioning of {container_name}"
    request = HttpRequest("GET", path, (("versioning", None),))
    response = client.send(request, what, names=(container_name, ""))
    return client.parse(_parse_versioning, response, what)


def set_versioning(client: S3Client, path: str, container_name: str, *, enabled: bool) -> None:
    """Enable or suspend versioning."""
    status = _field("Status", "Enabled" if enabled else "Suspended")
    body = f'<VersioningConfiguration xmlns="{NAMESPACE}">{status}</VersioningConfiguration>'
    what = f"Error setting the versioning of {container_name}"
    client.send(_put_document(path, "versioning", body), what, names=(container_name, ""))


def upload_expiry(client: S3Client, path: str, container_name: str) -> int | None:
    """Days after which the store aborts any unfinished upload; ``None``: it does not."""
    days = [
        abort.number("DaysAfterInitiation")
        for rule in _rules(client, path, container_name)[0]
        if rule.word("Status") == "Enabled" and _is_of_all(rule)
        if (abort := rule.child("AbortIncompleteMultipartUpload"))
    ]
    return min((found for found in days if found is not None), default=None)


def set_upload_expiry(client: S3Client, path: str, container_name: str, days: int | None) -> None:
    """Let the store abort unfinished uploads; ``None`` removes the rule.

    A bucket has one document with all rules. It is read, one rule in it is replaced, and it is put
    back; the other rules stay as they are.
    """
    rules, headers = _rules(client, path, container_name)
    others = [rule for rule in rules if rule.word("ID") != RULE_ID]
    if days is None and len(others) == len(rules):
        return
    texts = [serialize(rule.element).strip() for rule in others]
    if days is not None:
        texts.append(_rule(days, others))
    request = HttpRequest("DELETE", path, (("lifecycle", None),))
    if texts:
        body = f'<LifecycleConfiguration xmlns="{NAMESPACE}">{"".join(texts)}'
        request = _put_document(path, "lifecycle", f"{body}</LifecycleConfiguration>", headers)
    what = f"Error setting the lifecycle rules of {container_name}"
    client.send(request, what, ok=(200, 204), names=(container_name, ""))


def _rules(
    client: S3Client, path: str, container_name: str
) -> tuple[list[Node], Mapping[str, str]]:
    """The lifecycle rules, and the headers to be sent with them."""
    what = f"Error getting the lifecycle rules of {container_name}"
    request = HttpRequest("GET", path, (("lifecycle", None),))
    response = client.send(request, what, ok=(200, 404), names=(container_name, ""))
    if response.status == 404:
        if s3.client.detail_of(response).code == "NoSuchLifecycleConfiguration":
            return [], {}
        raise client.container_not_found(response, container_name)
    kept = {_KEPT: response.headers[_KEPT]} if _KEPT in response.headers else {}
    root = client.parse(lambda document: _root(document, "Lifecycle"), response, what)
    return list(root.children("Rule")), kept


def _rule(days: int, others: list[Node]) -> str:
    """The rule; in the older form if the others have it, because S3 accepts no mixture."""
    is_older = any(rule.child("Prefix") for rule in others)
    applies_to = "<Prefix></Prefix>" if is_older else "<Filter><Prefix></Prefix></Filter>"
    return (
        f"<Rule><ID>{RULE_ID}</ID>{applies_to}<Status>Enabled</Status>"
        "<AbortIncompleteMultipartUpload>"
        f"<DaysAfterInitiation>{days}</DaysAfterInitiation>"
        "</AbortIncompleteMultipartUpload></Rule>"
    )


def _is_of_all(rule: Node) -> bool:
    """Whether a rule applies to all objects of the bucket."""
    applies_to = rule.child("Filter")
    parts = () if applies_to is None else applies_to.children()
    is_limited = any(part.name != "Prefix" or part.text() for part in parts)
    return not is_limited and not rule.find("Prefix")


# Objects.


@dataclass(frozen=True, slots=True)
class ObjectSetting:
    """One setting of one object.

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
        request = _put_document(self.path, self.name, body, headers)
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
    return f"<{name}>{s3.requests.escaped(text)}</{name}>"


def _put_document(
    path: str, name: str, body: str, headers: Mapping[str, str] | None = None
) -> HttpRequest:
    """The request that sets the subresource ``name``, with the Content-MD5 that it must have."""
    content = body.encode()
    digest = s3.integrity.DIGESTS["md5"](content).headers
    sent = {"Content-Type": "application/xml", **digest, **(headers or {})}
    return HttpRequest("PUT", path, ((name, None),), sent, content)


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


def _parse_versioning(document: Any) -> str:
    root = _root(document, "Versioning")  # moto: GetBucketVersioningResponse
    state = (root.word("Status") or "").lower()
    if state not in _STATES:
        raise MalformedDocumentError(f"{state[:40]!r} is not a state of versioning")
    return _STATES[state]
