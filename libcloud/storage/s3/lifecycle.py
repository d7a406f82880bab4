# SPDX-License-Identifier: Apache-2.0
"""The lifecycle rule by which a store aborts unfinished uploads.

A bucket has one document with all rules. It is read, one rule in it is replaced, and it is put
back; the other rules stay as they are.

Reference: Amazon S3 API Reference, PutBucketLifecycleConfiguration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from libcloud.common.request import HttpRequest
from libcloud.storage import s3
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import MalformedDocumentError, Node, read_root
from libcloud.utils.xml import serialize

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client

RULE_ID = "libcloud-abort-unfinished-uploads"
"""The name of the rule that :func:`set_upload_expiry` adds, replaces and removes."""

# A default of the whole document; S3 resets it unless it is sent again.
_KEPT = "x-amz-transition-default-minimum-object-size"


@dataclass(frozen=True, slots=True)
class _Rules:
    """The document of a bucket.

    :param headers: to be sent with it.
    """

    nodes: list[Node]
    headers: Mapping[str, str]


def upload_expiry(client: S3Client, path: str, container_name: str) -> int | None:
    """Days after which the store aborts any unfinished upload; ``None``: it does not."""
    days = [
        found
        for rule in _rules(client, path, container_name).nodes
        if (rule.word("Status") or "") == "Enabled" and _is_of_all(rule)
        if (found := _days(rule)) is not None
    ]
    return min(days, default=None)


def set_upload_expiry(client: S3Client, path: str, container_name: str, days: int | None) -> None:
    """Let the store abort unfinished uploads; ``None`` removes the rule."""
    found = _rules(client, path, container_name)
    others = [rule for rule in found.nodes if rule.word("ID") != RULE_ID]
    if days is None and len(others) == len(found.nodes):
        return
    what = f"Error setting the lifecycle rules of {container_name}"
    texts = [serialize(rule.element).strip() for rule in others]
    if days is not None:
        texts.append(_rule(days, others))
    if texts:
        body = f'<LifecycleConfiguration xmlns="{NAMESPACE}">{"".join(texts)}'
        body += "</LifecycleConfiguration>"
        request = s3.settings.put_document(path, "lifecycle", body.encode(), found.headers)
    else:
        request = HttpRequest("DELETE", path, (("lifecycle", None),))
    client.send(request, what, ok=(200, 204), names=(container_name, ""))


def _rules(client: S3Client, path: str, container_name: str) -> _Rules:
    what = f"Error getting the lifecycle rules of {container_name}"
    request = HttpRequest("GET", path, (("lifecycle", None),))
    response = client.send(request, what, ok=(200, 404), names=(container_name, ""))
    if response.status == 404:
        if s3.client.detail_of(response).code == "NoSuchLifecycleConfiguration":
            return _Rules([], {})
        raise client.container_not_found(response, container_name)
    kept = {_KEPT: response.headers[_KEPT]} if _KEPT in response.headers else {}
    return _Rules(client.parse(_parse_rules, response, what), kept)


def _parse_rules(document: Any) -> list[Node]:
    root = read_root(document)
    if "Lifecycle" not in root.name:
        raise MalformedDocumentError(f"The answer is no lifecycle configuration: {root.name}")
    return list(root.children("Rule"))


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
    if rule.find("Prefix"):
        return False
    applies_to = rule.child("Filter")
    parts = () if applies_to is None else applies_to.children()
    return all(part.name == "Prefix" and not part.text() for part in parts)


def _days(rule: Node) -> int | None:
    """Days after which ``rule`` aborts uploads."""
    abort = rule.child("AbortIncompleteMultipartUpload")
    return None if abort is None else abort.number("DaysAfterInitiation")
