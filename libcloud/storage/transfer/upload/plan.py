# SPDX-License-Identifier: Apache-2.0
"""Plans the sizes of parts, so that no upload exceeds the limits of its store.

Known length: the smallest equal parts that fit the store's part count. Unknown length: parts start
small, stay small for a quarter of the part numbers, and then grow by a constant ratio, so that the
size of a part stays in proportion to what was sent before it and the last allowed part still fits
the store's largest object.

The ratio is the smallest that reaches ``min(largest object, half of max_parts * max_part_size)``.
The half concerns stores such as Amazon, whose largest object (48.8 TiB) is every part at its
largest: a plan that reached it would have to send 5 GiB parts from the start. Streams beyond
24.4 TiB require that their length is passed in advance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.types import ObjectTooLargeError, SizeMismatchError
from libcloud.utils.values import Value

DEFAULT_PART_SIZE = 8 * MIB

_KEPT_SMALL = 4  # a quarter of the part numbers keep the first size


@dataclass(slots=True, eq=False, repr=False)
class PartPlan(Value):
    """Sizes of all parts of one upload, bytes.

    :param ratio: of a part to the one before it; 1.0 for equal parts.
    :param flat: number of the last part that has size ``start``.
    :param known: sizes of parts, by number, that must be the same as before.
    """

    limits: Limits
    start: int
    ratio: float = 1.0
    flat: int = 0
    known: Mapping[int, int] = field(default_factory=dict)

    def size_of(self, number: int) -> int:
        """Size of part ``number``, from 1; the last may be smaller. 0: there is no such part."""
        if number > self.limits.max_parts:
            return 0
        if number in self.known:
            return self.known[number]
        if self.ratio == 1.0 or number <= self.flat:
            return self.start
        exact = self.start * math.exp(min(700.0, (number - self.flat) * math.log(self.ratio)))
        return _rounded(min(exact, self.limits.max_part_size), self.limits)


def plan_for(length: int | None, limits: Limits, *, start: int = DEFAULT_PART_SIZE) -> PartPlan:
    """The plan of the parts that carry ``length`` bytes within ``limits``.

    Grows when the length is unknown, so that the last allowed part still fits the largest object.

    >>> plan_for(20 * MIB, Limits()).size_of(1)
    8388608

    :param length: bytes to send; ``None`` if unknown.
    :param start: first size tried, bytes; raised to ``limits.min_part_size``.
    :return: all parts have the same size but the last if ``limits.equal_parts``.
    :raises ObjectTooLargeError: ``length`` exceeds what ``limits`` can hold. Nothing was sent.

    Reference: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
    """
    if start < 1:
        raise ValueError(f"a part has at least 1 byte, not {start}")
    start = start if start > limits.min_part_size else limits.min_part_size
    start = start if start < limits.max_part_size else limits.max_part_size
    if length is not None:
        is_small = 0 <= length <= start <= limits.max_object_size
        return PartPlan(limits, start if is_small else _equal_size(length, limits, start))
    if limits.equal_parts:
        return PartPlan(limits, start)
    return _growing(limits, start)


def size_error(
    plan: PartPlan, pulled: int, size: int, *, ended: bool, expected: int | None
) -> Exception | None:
    """The error of a source that delivered ``size`` bytes in ``pulled`` parts, if there is one."""
    if expected is not None and (size > expected or (ended and size < expected)):
        amount = f"only {size}" if size < expected else f"{size} or more"
        return SizeMismatchError(
            f"the source promised {expected} bytes and gave {amount}; nothing was published",
            None,
            "",
        )
    limits = plan.limits
    if ended or (size < limits.max_object_size and plan.size_of(pulled + 1)):
        return None
    return ObjectTooLargeError(
        f"the source has more than the {size} bytes that {pulled} parts of these sizes hold; "
        f"nothing was published. Pass the length in advance (ex_size_hint), or a larger "
        f"ex_part_size or ex_max_memory (the store accepts objects of up to "
        f"{limits.max_object_size} bytes)",
        None,
        "",
    )


def _equal_size(length: int, limits: Limits, start: int) -> int:
    """The smallest size, from ``start`` up, of equal parts that hold ``length`` bytes."""
    if length < 0:
        raise ValueError(f"a length cannot be negative: {length}")
    largest = min(limits.max_object_size, limits.max_parts * limits.max_part_size)
    if length > largest:
        raise ObjectTooLargeError(
            f"an object of {length} bytes exceeds the {largest} bytes that the store accepts",
            None,
            "",
        )
    needed = -(-length // limits.max_parts)
    if needed <= start:
        return start
    return _rounded(needed, limits)


def _rounded(size: float, limits: Limits) -> int:
    """``size`` rounded up to whole MiB where parts are that large, within the store's limit."""
    whole = math.ceil(size)
    if whole >= MIB:
        whole = -(-whole // MIB) * MIB
    return min(whole, limits.max_part_size)


@lru_cache(maxsize=64)
def _growing(limits: Limits, start: int) -> PartPlan:
    """The plan with the smallest sufficient ratio, found by bisection on the logarithm."""
    flat = limits.max_parts // _KEPT_SMALL
    target = min(limits.max_object_size, limits.max_parts * limits.max_part_size // 2)
    if start * limits.max_parts >= target:
        return PartPlan(limits, start)
    low, high = 0.0, math.log(limits.max_part_size / start)
    for _ in range(64):
        middle = (low + high) / 2
        if _reach(limits, start, flat, middle) >= target:
            high = middle
        else:
            low = middle
    return PartPlan(limits, start, math.exp(high), flat)


def _reach(limits: Limits, start: int, flat: int, log_ratio: float) -> float:
    """Bytes that a growing plan holds, before rounding (which only adds): a geometric sum."""
    growing = limits.max_parts - flat
    if log_ratio < 1e-12:
        return float(start * limits.max_parts)
    until_largest = int(math.log(limits.max_part_size / start) / log_ratio)
    steps = min(growing, until_largest)
    ratio = math.exp(log_ratio)
    grown = start * ratio * math.expm1(steps * log_ratio) / (ratio - 1)
    return start * flat + grown + (growing - steps) * limits.max_part_size
