# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in how an upload is read, cut into parts and repeated; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_ENGINE = "libcloud/storage/transfer"
_TESTS = "libcloud/test/storage/transfer"


def _mutant(name: str, file: str, old: str, new: str, tests: str, caught_by: str = "") -> Mutant:
    """A bug in the engine's module ``file``, to be caught by the test modules ``tests``."""
    folder = "" if file == "retry" else "upload/"
    paths = tuple(f"{_TESTS}/{folder}test_{test}.py" for test in tests.split())
    return Mutant(name, f"{_ENGINE}/{folder}{file}.py", old, new, paths, caught_by)


_SOURCE = (
    _mutant(
        "an empty piece ends the stream",
        "source",
        '                return True\n            self._rest = b""',
        '                return True\n            return False\n            self._rest = b""',
        "source",
        caught_by="test_a_producer_may_resize_and_reuse_its_buffer",
    ),
    _mutant(
        "a reused buffer is kept, not copied",
        "source",
        "data = piece if isinstance(piece, bytes) else bytes(piece)",
        "data = piece",
        "source",
        caught_by="test_a_part_is_not_changed_by_those_after_it",
    ),
    _mutant(
        "the last part is found out too late",
        "source",
        "last = not self._rest and (ended or not self._advance(part))",
        "last = not self._rest",
        "source",
        caught_by="test_one_piece_is_taken_beyond_a_full_part",
    ),
    Mutant(
        "any error of an iterator is its end",
        "libcloud/utils/bodies.py",
        "        except StopIteration:\n            return\n        yield piece",
        "        except Exception:\n            return\n        yield piece",
        (f"{_TESTS}/upload/test_source.py",),
        caught_by="test_an_error_of_the_source_comes_through_unchanged",
    ),
    _mutant(
        "the rest of a piece is lost",
        "source",
        "self._rest = memoryview(rest)[part.room :]",
        "self._rest = memoryview(rest)[part.room + 1 :]",
        "source",
        caught_by="test_a_file_may_give_its_own_buffer",
    ),
)

_PLAN = (
    _mutant(
        "parts of a long stream do not grow",
        "plan",
        "return PartPlan(limits, start, math.exp(high), flat)",
        "return PartPlan(limits, start)",
        "plan",
        caught_by="test_a_quarter_of_the_parts_stays_small",
    ),
    _mutant(
        "a part too many",
        "plan",
        "        if number > self.limits.max_parts:",
        "        if number > self.limits.max_parts + 1:",
        "plan",
        caught_by="test_parts_beyond_the_last_have_no_size",
    ),
    _mutant(
        "a promised size is not checked",
        "plan",
        "    if expected is not None and (",
        "    if expected is not None and False and (",
        "plan",
        caught_by="test_what_is_wrong_with_a_source",
    ),
    _mutant(
        "more than the store holds is not noticed",
        "plan",
        "    if ended or (size < limits.max_object_size and plan.size_of(pulled + 1)):",
        "    if True:",
        "plan",
        caught_by="test_what_is_wrong_with_a_source",
    ),
    _mutant(
        "permanent errors are repeated",
        "retry",
        "if not failure.transient or attempt >= self.policy.attempts:",
        "if attempt >= self.policy.attempts:",
        "retry",
        caught_by="test_the_clean_up_continues_without_a_budget",
    ),
    _mutant(
        "an attempt too many",
        "retry",
        "if not failure.transient or attempt >= self.policy.attempts:",
        "if not failure.transient or attempt > self.policy.attempts:",
        "retry",
        caught_by="test_the_clean_up_continues_without_a_budget",
    ),
    _mutant(
        "Retry-After is not heard",
        "retry",
        "        if retry_after is None:",
        "        if True:",
        "retry",
        caught_by="test_the_failure_has_the_retry_after",
    ),
    _mutant(
        "the budget of threads has no lock",
        "retry",
        "        self._cost = cost\n        self._lock = lock\n",
        "        self._cost = cost\n        self._lock = nullcontext\n",
        "retry",
        caught_by="test_the_lock_guards_every_change",
    ),
    _mutant(
        "a file that grew is published as it was",
        "source",
        "        if current != total:",
        "        if False:",
        "file_source",
        caught_by="test_a_file_that_became_longer_is_an_error",
    ),
    _mutant(
        "workers read from the position of the file",
        "source",
        "os.pread(self.file.fileno(), min(_READ_SIZE, end - start), start)",
        "self.file.read(min(_READ_SIZE, end - start))",
        "file_source",
        caught_by="test_parts_are_read_in_any_order_without_the_position_of_the_file",
    ),
    Mutant(
        "a piece that is too small becomes a part",
        "libcloud/storage/transfer/cut.py",
        "        if together < least:",
        "        if False:",
        ("libcloud/test/storage/transfer/test_cut.py::test_a_small_piece_joins_its_neighbour",),
    ),
    Mutant(
        "cutting a piece again skips what was waiting",
        "libcloud/storage/transfer/cut.py",
        "            yield [*waiting, PieceRange(position, start, stop)]",
        "            yield [PieceRange(position, start, stop)]",
        ("libcloud/test/storage/transfer/test_cut.py::test_a_small_piece_joins_its_neighbour",),
    ),
)

MUTANTS = _SOURCE + _PLAN
