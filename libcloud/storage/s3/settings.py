# SPDX-License-Identifier: Apache-2.0
"""Settings of buckets: versioning, and a rule that aborts unfinished uploads; and of objects: tags,
legal hold and retention.

Reference: Amazon S3 API Reference, PutBucketVersioning, PutBucketLifecycleConfiguration,
PutObjectTagging, PutObjectLegalHold, PutObjectRetention, and their counterparts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.common.request import HttpRequest
from libcloud.common.types import MalformedResponseError
from libcloud.storage import s3
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import MalformedDocumentError, Node, read_root
from libcloud.storage.s3.responses import Retention
from libcloud.utils.headers import parse_time
from libcloud.utils.xml import serialize

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client

_T = TypeVar("_T")

RULE_ID = "libcloud-abort-unfinished-uploads"
"""The name of the rule that :func:`set_upload_expiry` adds, replaces and removes."""

# A default of all lifecycle rules; S3 resets it unless it is sent again.
_KEPT = "x-amz-transition-default-minimum-object-size"

# Other codes of a 404 are about the setting: NoSuchObjectLockConfiguration, and those of servers.
_NO_OBJECT = ("", "NoSuchBucket", "NoSuchKey", "NoSuchVersion")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a bucket, or of an object or a version of it.

    :param name: of the subresource: ``"tagging"``; ``label``, for messages: ``"tags"``.
    """

    client: S3Client
    path: str
    names: tuple[str, str]
    name: str
    label: str
    version_id: str | None = None

    def get(self, root: str, read: Callable[[Node], _T]) -> tuple[_T | None, Mapping[str, str]]:
        """The value that ``read`` finds in the document, and the headers; ``None``: it is not set.

        :param root: what the name of the document's root contains, which servers vary: moto returns
            a GetBucketVersioningResponse.
        """

        def parse(document: Any) -> _T:
            found = read_root(document)
            if root not in found.name:
                raise MalformedDocumentError(f"The response is {found.name}, not {root}")
            return read(found)

        request = HttpRequest("GET", self.path, ((self.name, None),))
        response, what = self._send(request, "getting", ok=(200, 204, 404))
        if response.status != 404:
            return self.client.parse(parse, response, what), response.headers
        code = s3.client.detail_of(response).code
        of_object = bool(self.names[1]) and code not in _NO_OBJECT
        if not of_object and code != "NoSuchLifecycleConfiguration":
            raise self.client.refusal(request, response, what, self.names)
        return None, {}

    def put(self, root: str, inner: str, headers: Mapping[str, str] | None = None) -> None:
        """Set it to a document with ``inner``, with the Content-MD5 that this must have."""
        content = f'<{root} xmlns="{NAMESPACE}">{inner}</{root}>'.encode()
        digest = s3.integrity.DIGESTS["md5"](content).headers
        sent = {"Content-Type": "application/xml", **digest, **(headers or {})}
        self._send(HttpRequest("PUT", self.path, ((self.name, None),), sent, content), "setting")

    def delete(self, verb: str = "removing") -> None:
        self._send(HttpRequest("DELETE", self.path, ((self.name, None),)), verb)

    def _send(
        self, request: HttpRequest, verb: str, ok: Collection[int] = (200, 204)
    ) -> tuple[Any, str]:
        """The response, and what the operation is called."""
        request = s3.requests.of_version(request, self.version_id)
        container_name, object_name = self.names
        of_object = s3.names.label_of(container_name, object_name, self.version_id)
        what = f"Error {verb} the {self.label} of {of_object if object_name else container_name}"
        return self.client.send(request, what, ok=ok, names=self.names), what


def versioning(setting: Setting) -> str:
    """``"enabled"``, ``"suspended"`` or ``"disabled"``."""

    def read(root: Node) -> str:
        state = (root.word("Status") or "").lower()
        if state not in ("", "enabled", "suspended"):
            raise MalformedDocumentError(f"{state[:40]!r} is not a state of versioning")
        return state

    return setting.get("Versioning", read)[0] or "disabled"


def set_versioning(setting: Setting, *, enabled: bool) -> None:
    status = "Enabled" if enabled else "Suspended"
    setting.put("VersioningConfiguration", _field("Status", status))


def upload_expiry(setting: Setting) -> int | None:
    """Days after which the store aborts any unfinished upload; ``None``: it does not."""
    days = [
        abort.number("DaysAfterInitiation")
        for rule in _rules(setting)[0]
        if rule.word("Status") == "Enabled" and _is_of_all(rule)
        if (abort := rule.child("AbortIncompleteMultipartUpload"))
    ]
    return min((found for found in days if found is not None), default=None)


def set_upload_expiry(setting: Setting, days: int | None) -> None:
    """Let the store abort unfinished uploads; ``None`` removes the rule.

    A bucket has one document with all rules. It is read, one rule in it is replaced, and it is put
    back; the other rules stay as they are.
    """
    rules, headers = _rules(setting)
    others = [rule for rule in rules if rule.word("ID") != RULE_ID]
    if days is None and len(others) == len(rules):
        return
    texts = [serialize(rule.element).strip() for rule in others]
    if days is not None:
        # In the older form if the others have it, because S3 accepts no mixture.
        is_older = any(rule.child("Prefix") for rule in others)
        applies_to = "<Prefix></Prefix>" if is_older else "<Filter><Prefix></Prefix></Filter>"
        texts.append(
            f"<Rule><ID>{RULE_ID}</ID>{applies_to}<Status>Enabled</Status>"
            "<AbortIncompleteMultipartUpload>"
            f"<DaysAfterInitiation>{days}</DaysAfterInitiation>"
            "</AbortIncompleteMultipartUpload></Rule>"
        )
    if not texts:
        setting.delete("setting")
        return
    kept = {_KEPT: headers[_KEPT]} if _KEPT in headers else {}
    setting.put("LifecycleConfiguration", "".join(texts), kept)


def _rules(setting: Setting) -> tuple[list[Node], Mapping[str, str]]:
    rules, headers = setting.get("Lifecycle", lambda root: list(root.children("Rule")))
    return rules or [], headers


def _is_of_all(rule: Node) -> bool:
    applies_to = rule.child("Filter")
    parts = () if applies_to is None else applies_to.children()
    is_limited = any(part.name != "Prefix" or part.text() for part in parts)
    return not is_limited and not rule.find("Prefix")


def tags(setting: Setting) -> dict[str, str]:
    def read(root: Node) -> dict[str, str]:
        found = root.child("TagSet")
        nodes = () if found is None else found.children("Tag")
        return {node.need("Key"): node.find("Value") or "" for node in nodes}

    return setting.get("Tagging", read)[0] or {}


def set_tags(setting: Setting, tags: Mapping[str, str]) -> None:
    if not tags:
        setting.delete()
        return
    texts = (f"<Tag>{_field('Key', key)}{_field('Value', tags[key])}</Tag>" for key in tags)
    setting.put("Tagging", f"<TagSet>{''.join(texts)}</TagSet>")


def legal_hold(setting: Setting) -> bool:
    return setting.get("LegalHold", lambda root: root.word("Status"))[0] == "ON"


def set_legal_hold(setting: Setting, hold: bool) -> None:
    setting.put("LegalHold", _field("Status", "ON" if hold else "OFF"))


def retention(setting: Setting) -> Retention | None:
    """The retention of the object; ``None``: it has none."""

    def read(root: Node) -> Retention | None:
        mode, text = root.word("Mode"), root.word("RetainUntilDate")
        until = parse_time(text)
        if mode is not None and until is None:
            raise MalformedResponseError(f"The store reports no time of the retention: {text!r}")
        return Retention(mode, until) if mode and until else None

    return setting.get("Retention", read)[0]


def set_retention(
    setting: Setting, mode: str | None, until: datetime | None, *, bypass: bool
) -> None:
    """Retain the object; ``None`` ends it, which requires ``bypass`` and the permission."""
    inner = ""
    if mode is not None or until is not None:
        text = s3.options.retention_time(mode, until)
        inner = f"{_field('Mode', str(mode))}{_field('RetainUntilDate', text)}"
    headers = {"x-amz-bypass-governance-retention": "true"} if bypass else {}
    setting.put("Retention", inner, headers)


def _field(name: str, text: str) -> str:
    if text and not s3.requests.can_express(text):
        raise ValueError(f"{name.lower()} {text[:40]!r}: XML cannot express this safely")
    return f"<{name}>{s3.requests.escaped(text)}</{name}>"
