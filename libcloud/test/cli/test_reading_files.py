# SPDX-License-Identifier: Apache-2.0
"""How ``put`` reads the files that it uploads."""

from __future__ import annotations

import errno
import io

import pytest

from libcloud.cli.errors import InputError
from libcloud.cli.sources import read_pieces

MIB = 1024 * 1024


class Counted(io.BytesIO):
    """A file that is read by ``read`` only, as an unbuffered one; counts the calls."""

    calls = 0

    def read(self, size: int | None = -1) -> bytes:
        self.calls += 1
        return super().read(size)


def _read(data: bytes, size: int) -> tuple[bytes, int]:
    file = Counted(data)
    file.read1 = file.read  # type: ignore[method-assign]
    return b"".join(read_pieces(file, file_size=size)), file.calls


@pytest.mark.parametrize(("size", "calls"), [(1, 1), (10_000, 1), (MIB - 1, 1), (MIB, 2)])
def test_a_small_file_is_read_by_one_call(size: int, calls: int) -> None:
    assert _read(bytes(size), size) == (bytes(size), calls)


@pytest.mark.parametrize("size", [10, 9_999])
def test_a_file_that_has_grown_is_read_to_its_end(size: int) -> None:
    data = bytes(range(250)) * 40
    assert _read(data, size)[0] == data


@pytest.mark.parametrize("size", [10_001, 3 * MIB])
def test_a_file_that_was_truncated_is_an_error(size: int) -> None:
    with pytest.raises(InputError, match="ended after 10,000 bytes"):
        _read(bytes(10_000), size)


def test_an_error_of_reading_names_the_file() -> None:
    class Damaged(io.BytesIO):
        name = "dir/source"

        def read1(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error: 'dir/source'"):
        list(read_pieces(Damaged(), file_size=10))
