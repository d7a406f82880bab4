# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of parts that are sent while they are made; see ``mutants.py``."""

from __future__ import annotations

from mutants_scaleout import scaleout_mutant as _mutant

MUTANTS = (
    _mutant(
        "the checksum of a streamed part lacks its last chunk",
        "libcloud/storage/s3/checksums.py",
        "            running.update(chunk)\n",
        "            running.update(chunk if len(chunk) == _CHUNK else b'')\n",
        "streamed_parts",
        "test_a_part_is_sent_with_its_checksum_at_the_end",
    ),
    _mutant(
        "the last chunk of a streamed part is not sent",
        "libcloud/storage/s3/checksums.py",
        "        if held:\n            yield bytes(held)\n",
        "",
        "streamed_parts",
        "test_a_part_is_sent_with_its_checksum_at_the_end",
    ),
    _mutant(
        "a streamed part that is too short is filled up",
        "libcloud/storage/s3/checksums.py",
        "            raise self._mismatch(self._size - left)\n        if held:",
        "            held += bytes(left)\n        if held:",
        "streamed_parts",
        "test_a_part_of_another_size_is_never_stored",
    ),
    _mutant(
        "pieces of a large part are put together first",
        "bodies",
        "    if stream is not None and size is not None and size > _IN_MEMORY:",
        "    if False:",
        "streamed_pieces",
        "test_several_pieces_in_a_part_are_streamed_over_https",
    ),
    _mutant(
        "each part gets the start of a piece that is made",
        "worker",
        "view[max(start - begin, 0) : max(stop - begin, 0)]",
        "view[: max(stop - begin, 0)]",
        "streamed_pieces",
        "test_a_piece_may_be_whatever_makes_bytes",
    ),
    _mutant(
        "a piece that is made may be longer",
        "worker",
        "        if seen >= stop < size:",
        "        if seen >= stop:",
        "streamed_pieces",
        "test_a_bad_piece_is_named_and_nothing_is_published",
    ),
    _mutant(
        "an iterator is sent again",
        "libcloud/storage/s3/checksums.py",
        "self._error is None and (self.repeatable or not self._started)",
        "self._error is None",
        "streamed_parts",
        "test_an_iterator_is_sent_once",
    ),
    _mutant(
        "an error of a streamed source is replaced",
        "libcloud/storage/s3/checksums.py",
        "            raise self._error  #",
        "            raise  #",
        "streamed_parts",
        "test_an_error_of_the_source_propagates_unchanged",
    ),
    _mutant(
        "a streamed part is held in memory",
        "libcloud/http/fast_path.py",
        "        if isinstance(body, StreamedPieces):",
        "        if False:",
        "streamed_parts",
        "test_data_is_sent_before_the_last_piece_is_made",
    ),
)
