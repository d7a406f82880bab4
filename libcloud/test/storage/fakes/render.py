# SPDX-License-Identifier: Apache-2.0
"""XML documents of the fake S3 server, with or without the namespace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Answer

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CONTROL = re.compile("[\x00-\x1f\x7f]")

Node = tuple[str, "str | int | bool | list[Node]"]

OWNER: list[Node] = [("ID", "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a")]


def _element(node: Node) -> str:
    name, content = node
    if isinstance(content, bool):
        inner = "true" if content else "false"
    elif isinstance(content, list):
        inner = "".join(_element(child) for child in content)
    else:
        # Amazon S3 writes control characters as references, though XML 1.0 does not have them.
        inner = _CONTROL.sub(lambda found: f"&#x{ord(found[0]):x};", escape(str(content)))
    return f"<{name}>{inner}</{name}>"


def document(options: Options, root: str, children: Iterable[Node]) -> bytes:
    """A document named ``root``."""
    inner = "".join(_element(child) for child in children)
    namespace = f' xmlns="{NAMESPACE}"' if options.namespace else ""
    return f"{DECLARATION}<{root}{namespace}>{inner}</{root}>".encode()


def xml_answer(options: Options, root: str, children: Iterable[Node], status: int = 200) -> Answer:
    """An answer that carries :func:`document`."""
    return Answer(status, (("Content-Type", "application/xml"),), document(options, root, children))


def error_answer(
    error: S3Error, resource: str, request_id: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """An ``<Error>`` document; it has no namespace on Amazon S3 either."""
    children: list[Node] = [("Code", error.code), ("Message", error.message)]
    children += list(error.extra.items())
    children += [("Resource", resource), ("RequestId", request_id), ("HostId", "fake")]
    inner = "".join(_element(child) for child in children)
    body = f"{DECLARATION}<Error>{inner}</Error>".encode()
    extra = {**error.headers, **(headers or {})}
    return Answer(error.status, (("Content-Type", "application/xml"), *extra.items()), body)


def iso_date(when: datetime) -> str:
    """``2026-01-31T12:00:00.000Z``."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def http_date(when: datetime) -> str:
    """``Sat, 31 Jan 2026 12:00:00 GMT``."""
    return format_datetime(when.replace(microsecond=0), usegmt=True)
