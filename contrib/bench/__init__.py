# SPDX-License-Identifier: Apache-2.0
"""What the library costs, beside boto3, obstore and the floor: ``make bench``.

The figure is CPU time of the client process, user and system: that is what a program pays for the
library, while the network decides how long it takes. Each run is a process of its own; clients take
turns, so that whatever else the machine does hits all of them; medians are shown.

The floor is a raw socket that sends the same bytes with the same digest (the SHA-256 of a Signature
Version 4): no library in Python can cost less without leaving something out. The store is a process
that drops what it gets. Nothing here is used by the library, and nothing leaves the machine.
"""
