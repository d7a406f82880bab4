# SPDX-License-Identifier: Apache-2.0
"""What has to come of each fault at each operation: the words are those of :mod:`.matrix`.

``once/always``, or one word for both; ``|`` stands between two that are both right, where it
depends on the moment. ``-``: the fault does not exist there.
"""

from __future__ import annotations

from libcloud.test.storage.faults.matrix import OPERATIONS, Cell, cells

# An upload that meets a fault of the abort has been refused already: by AccessDenied.
EXPECTED = """
reset-before-body put:done/network create:done/network part:done/network
    complete:done/unknown+id abort:AccessDenied/AccessDenied+id
    head:done/network get:done/network list:done/network
reset-in-body put:done/network part:done/network complete:done/unknown+id
reset-after-body put:done/network part:done/network complete:done/unknown+id
stall put:done/network create:done/network part:done/network
    complete:done/unknown+id abort:AccessDenied/AccessDenied+id
    head:done/network get:done/network list:done/network
500 put:done/InternalError create:done/InternalError part:done/InternalError
    complete:done/InternalError abort:AccessDenied/AccessDenied+id
    head:done/500 get:done/InternalError list:done/InternalError
503 put:done/SlowDown create:done/SlowDown part:done/SlowDown
    complete:done/SlowDown abort:AccessDenied/AccessDenied+id
    head:done/503 get:done/SlowDown list:done/SlowDown
429 put:done/TooManyRequests create:done/TooManyRequests part:done/TooManyRequests
    complete:done/TooManyRequests abort:AccessDenied/AccessDenied+id
    head:done/429 get:done/TooManyRequests list:done/TooManyRequests
403 put:AccessDenied create:AccessDenied part:AccessDenied
    complete:AccessDenied abort:AccessDenied+id
    head:403 get:AccessDenied list:AccessDenied
cut-answer put:done create:done+orphan/network+orphans part:done/network
    complete:done abort:AccessDenied
    head:done/network get:done/network list:done/network
lost-answer put:done create:done+orphan/network+orphans part:done/network
    complete:done abort:AccessDenied
    head:done/network get:done/network list:done/network
error-in-200 create:done/InternalError complete:done/InternalError list:done/InternalError
flipped-bit put:done/XAmzContentSHA256Mismatch part:done/XAmzContentSHA256Mismatch
    complete:done/XAmzContentSHA256Mismatch
flipped-answer get:mismatch
wrong-etag put:done part:InvalidPart complete:done head:done get:done
closed-idle put:done create:done part:done complete:done abort:AccessDenied
    head:done get:done list:done
"""

# Where a server is not like Amazon's.
DIFFERENCES = {
    # It compares Content-MD5, which bodies of objects and parts carry, and no signed SHA-256; a
    # part that was refused can take the upload with it, and a refused Complete does so. The ETag
    # of an upload in parts is not made of theirs.
    "rclone": """
flipped-bit put:done/BadDigest part:done|NoSuchUpload/BadDigest|NoSuchUpload complete:MalformedXML
wrong-etag part:done/mismatch
""",
    # It compares Content-MD5 and no signed SHA-256; the body of Complete carries neither.
    "seaweedfs": """
flipped-bit put:done/BadDigest part:done/BadDigest complete:MalformedXML
""",
    # It compares the SHA-256 of data only.
    "juicefs": """
flipped-bit put:done/XAmzContentSHA256Mismatch part:done/XAmzContentSHA256Mismatch
    complete:MalformedXML
""",
    # An upload in blocks has no beginning and no abort: blocks that were stored stay, and the error
    # has their id. A response that is lost for good is not confirmed. ETags are no hashes.
    "fake-azure": """
reset-before-body confirm:done/unknown
stall confirm:done/unknown
500 complete:done/InternalError+id confirm:done/unknown
503 complete:done/SlowDown+id confirm:done/unknown
429 complete:done/TooManyRequests+id confirm:done/unknown
403 part:AccessDenied+id/AccessDenied complete:AccessDenied+id confirm:unknown
cut-answer part:done/network+id confirm:done/unknown
lost-answer part:done/network+id confirm:done/unknown
error-in-200 complete:done/unknown+id list:done/malformed confirm:done/unknown
flipped-bit put:done/Md5Mismatch
    part:done/Md5Mismatch|Md5Mismatch+id|Crc64Mismatch|Crc64Mismatch+id
     complete:done/Md5Mismatch+id
wrong-etag part:done
closed-idle confirm:done
""",
    # It does not compare the MD5 of a block list, which is no XML any more.
    "azurite": """
lost-answer part:done/network+id confirm:done/unknown
flipped-bit put:done/Md5Mismatch
    part:done/Md5Mismatch|Md5Mismatch+id|Crc64Mismatch|Crc64Mismatch+id
     complete:400+id
""",
    # The codes are the names of statuses. A manifest that is refused with 500 or 503 may appear
    # later, and keeps its segments. ETags are compared.
    "fake-swift": """
500 put:done/InternalServerError create:done/InternalServerError part:done/InternalServerError
    complete:done/unknown+id abort:Forbidden/Forbidden+id
    head:done/InternalServerError get:done/InternalServerError list:done/InternalServerError
503 put:done/ServiceUnavailable create:done/ServiceUnavailable part:done/ServiceUnavailable
    complete:done/unknown+id abort:Forbidden/Forbidden+id
    head:done/ServiceUnavailable get:done/ServiceUnavailable list:done/ServiceUnavailable
429 abort:Forbidden/Forbidden+id head:done/TooManyRequests
403 put:Forbidden create:Forbidden part:Forbidden complete:Forbidden abort:Forbidden+id
    head:Forbidden get:Forbidden list:Forbidden
reset-before-body abort:Forbidden/Forbidden+id
stall abort:Forbidden/Forbidden+id
cut-answer create:done/network abort:Forbidden
lost-answer create:done/network abort:Forbidden
closed-idle abort:Forbidden
flipped-bit put:done/UnprocessableEntity part:done/UnprocessableEntity complete:BadRequest
wrong-etag part:done/mismatch
""",
    "swift": """
lost-answer create:done/network abort:Forbidden
flipped-bit put:done/UnprocessableEntity part:done/UnprocessableEntity complete:BadRequest
""",
}


def allowed(server: str) -> dict[Cell, frozenset[str]]:
    """What may come of each cell that is played on ``server``."""
    table = _parsed(EXPECTED) | _parsed(DIFFERENCES.get(server, ""))
    return {cell: table[cell] for cell in cells(server)}


def problems(server: str, found: dict[Cell, str]) -> list[str]:
    """The cells, of those that were played, of which came what should not."""
    return [
        f"{server}: {cell.key} came to {found[cell]!r} and not to {' or '.join(sorted(words))}"
        for cell, words in allowed(server).items()
        if cell in found and found[cell] not in words
    ]


def _parsed(table: str) -> dict[Cell, frozenset[str]]:
    found: dict[Cell, frozenset[str]] = {}
    fault = ""
    for word in table.split():
        operation, colon, text = word.partition(":")
        if not colon:
            fault = word
            continue
        if operation not in OPERATIONS:
            raise ValueError(f"no such operation: {operation}")
        once, _, always = text.partition("/")
        found[Cell(fault, operation, False)] = frozenset(once.split("|"))
        found[Cell(fault, operation, True)] = frozenset((always or once).split("|"))
    return found
