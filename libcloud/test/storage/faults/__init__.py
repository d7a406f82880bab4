# SPDX-License-Identifier: Apache-2.0
"""Everything that goes wrong between a driver and its store, on loopback.

What for: :mod:`.proxy` stands between a driver and any server that speaks S3 and does to single
requests what networks and stores do. :mod:`.matrix` lists each fault at each operation and what
has to come of it; ``python -m libcloud.test.storage.faults.matrix`` prints it. May import: all of
the library and of ``test.storage.fakes``. Proof: its own tests, ``test_*.py``.
"""
