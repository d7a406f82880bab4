# SPDX-License-Identifier: Apache-2.0
"""The planted bugs of ``mutants.py``: where, what, and which tests must notice."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MUTANTS", "Mutant"]


@dataclass(frozen=True)
class Mutant:
    """A wrong edit.

    :param old: text that stands in the file exactly once.
    :param tests: arguments of pytest.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


_STORAGE = "libcloud/test/storage"
_TRANSFER = "libcloud/storage/transfer"
_DRIVERS = "libcloud/storage/drivers"

_CONFORMANCE = (f"{_STORAGE}/conformance/test_conformance.py", "-k", "fake-amazon")
_FAULTS = (f"{_STORAGE}/conformance/test_faults.py",)
_WALK = (f"{_STORAGE}/transfer/test_walk.py",)
_SOURCE = (f"{_STORAGE}/transfer/test_source.py",)
_MULTIPART = (f"{_STORAGE}/test_s3_multipart.py", f"{_STORAGE}/test_s3_failures.py")
_HEADERS = (f"{_STORAGE}/test_s3_headers.py",)

MUTANTS = (
    Mutant(
        "empty part bodies",
        f"{_DRIVERS}/s3_store.py",
        "            number=number,\n            body=self._sendable(body),",
        '            number=number,\n            body=b"",',
        _CONFORMANCE,
    ),
    Mutant(
        "parts numbered from 0",
        "libcloud/storage/s3api/operations.py",
        '(("partNumber", str(number)), ("uploadId", upload_id))',
        '(("partNumber", str(number - 1)), ("uploadId", upload_id))',
        _CONFORMANCE,
    ),
    Mutant(
        "every part sent as 1",
        "libcloud/storage/s3api/operations.py",
        '(("partNumber", str(number)), ("uploadId", upload_id))',
        '(("partNumber", "1"), ("uploadId", upload_id))',
        _CONFORMANCE,
    ),
    Mutant(
        "parts committed in reverse",
        f"{_DRIVERS}/s3_store.py",
        "[(part.number, part.etag) for part in parts],",
        "[(part.number, part.etag) for part in parts][::-1],",
        _CONFORMANCE,
    ),
    Mutant(
        "last part left out",
        f"{_DRIVERS}/s3_store.py",
        "[(part.number, part.etag) for part in parts],",
        "[(part.number, part.etag) for part in parts][:-1],",
        _CONFORMANCE,
    ),
    Mutant(
        "commit without ETags",
        f"{_DRIVERS}/s3_store.py",
        "[(part.number, part.etag) for part in parts],",
        '[(part.number, "") for part in parts],',
        _CONFORMANCE,
    ),
    Mutant(
        "upload id missing on parts",
        "libcloud/storage/s3api/operations.py",
        '(("partNumber", str(number)), ("uploadId", upload_id))',
        '(("partNumber", str(number)),)',
        _CONFORMANCE,
    ),
    Mutant(
        "never aborting",
        f"{_TRANSFER}/machine.py",
        "            self.state = State.ABORTING\n            self._ready.append(Send(Step.ABORT))",
        "            self.state = State.FAILED",
        _CONFORMANCE,
    ),
    Mutant(
        "abort while a part is in flight",
        f"{_TRANSFER}/machine.py",
        "        if self._in_flight:\n            self.state = State.ABORTING\n        elif",
        "        if",
        _WALK,
    ),
    Mutant(
        "abort while a Complete is unanswered",
        f"{_TRANSFER}/machine.py",
        "        elif self._publish_open:\n            self.state = State.CONFIRMING",
        "        elif False:\n            self.state = State.CONFIRMING",
        _WALK,
    ),
    Mutant(
        "no second abort when a part may land late",
        f"{_TRANSFER}/machine.py",
        "if send.step is Step.ABORT and self._part_open:",
        "if False:",
        _WALK,
    ),
    Mutant(
        "a lost answer to Complete counts as a failure",
        f"{_TRANSFER}/machine.py",
        "if send.step in _PUBLISHING and (self._publish_open or failure.transient):",
        "if False:",
        _WALK,
    ),
    Mutant(
        "source's error swallowed",
        f"{_TRANSFER}/source.py",
        "        except StopIteration:\n            return\n        yield piece",
        "        except Exception:\n            return\n        yield piece",
        _SOURCE + _CONFORMANCE,
    ),
    Mutant(
        "an empty piece ends the stream",
        f"{_TRANSFER}/source.py",
        '            if self._rest:\n                return True\n            self._rest = b""',
        "            if self._rest:\n                return True\n            return False",
        _SOURCE,
    ),
    Mutant(
        "a reused buffer is kept, not copied",
        f"{_TRANSFER}/source.py",
        "data = piece if isinstance(piece, bytes) else bytes(piece)",
        "data = piece",
        _SOURCE,
    ),
    Mutant(
        "memory bound broken",
        f"{_TRANSFER}/machine.py",
        "        if len(self._held) >= self.window:\n            return 0\n",
        "",
        _WALK,
    ),
    Mutant(
        "a window that does not narrow",
        f"{_TRANSFER}/machine.py",
        "if held and self._memory is not None and held + size > self._memory:",
        "if False:",
        (f"{_STORAGE}/transfer",),
    ),
    Mutant(
        "metadata dropped on Create",
        "libcloud/storage/s3api/headers.py",
        "return name not in _CONDITIONS and not _describes_one_body(name)",
        'return name not in _CONDITIONS and "-meta-" not in name',
        _CONFORMANCE,
    ),
    Mutant(
        "conditions lost on the way to Complete",
        "libcloud/storage/s3api/headers.py",
        "if step is Step.COMPLETE and name in _CONDITIONS:",
        "if False:",
        _HEADERS,
    ),
    Mutant(
        "payload digest of other bytes",
        "libcloud/storage/s3api/integrity.py",
        "_hashed(hashlib.sha256(), body).hexdigest()",
        '_hashed(hashlib.sha256(b"x"), body).hexdigest()',
        _CONFORMANCE,
    ),
    Mutant(
        "Content-MD5 of other bytes",
        "libcloud/storage/s3api/integrity.py",
        "_hashed(hashlib.md5(usedforsecurity=False), body).digest()",
        '_hashed(hashlib.md5(b"x", usedforsecurity=False), body).digest()',
        (f"{_STORAGE}/conformance/test_conformance.py", "-k", "fake-sigv2"),
    ),
    Mutant(
        "the error in a 200 ignored",
        f"{_DRIVERS}/s3_uploads.py",
        "        self._refuse_error_in_body(response, what, container, object_name)\n",
        "",
        _FAULTS + _MULTIPART,
    ),
    Mutant(
        "whatever is there passes for ours",
        f"{_DRIVERS}/s3_store.py",
        "        verdict = self._verdict(etag, parts, size, headers)\n",
        "        verdict = Confirmation.STORED\n",
        (f"{_STORAGE}", "-k", "confirm or lost or unheard or outcome or complete or ours"),
    ),
    Mutant(
        "range end off by one",
        "libcloud/storage/_helpers.py",
        "end_bytes - 1",
        "end_bytes",
        (f"{_STORAGE}/conformance/test_conformance.py", "-k", "fake-amazon and range"),
    ),
    Mutant(
        "dot segments normalised",
        "libcloud/http/session.py",
        '    return _wire.target if url.startswith("/") else split_url(url)[0] + _wire.target',
        "    return url",
        (f"{_STORAGE}/test_s3_names.py", "libcloud/test/test_http_wire.py"),
    ),
    Mutant(
        "listing stops after page one",
        f"{_DRIVERS}/s3_containers.py",
        "            follows = (page.next_token, None if page.next_token else page.next_marker)\n",
        "            return\n            follows = (None, None)\n",
        (f"{_STORAGE}/conformance/test_conformance.py", "-k", "fake-amazon and (list or page)"),
    ),
    Mutant(
        "caller's headers changed",
        f"{_DRIVERS}/s3_uploads.py",
        "        sent = dict(headers or {})\n",
        "        sent = headers if isinstance(headers, dict) else {}\n",
        (*_HEADERS, f"{_STORAGE}/test_defects.py"),
    ),
    Mutant(
        "object names rewritten",
        "libcloud/storage/s3api/names.py",
        "        return quote(name, safe=_SAFE)",
        '        return quote(name.replace("//", "/"), safe=_SAFE)',
        (f"{_STORAGE}/test_s3_names.py",),
    ),
    Mutant(
        "sub-resources not signed",
        "libcloud/common/sigv2.py",
        '"uploadId",',
        "",
        (f"{_STORAGE}/conformance/test_conformance.py", "-k", "fake-sigv2"),
    ),
    Mutant(
        "timeouts dropped",
        "libcloud/http/__init__.py",
        "        usual = self.session.timeout\n",
        "        usual = 3600.0\n",
        ("libcloud/test/test_http.py", "libcloud/test/test_http_wire.py"),
    ),
)
