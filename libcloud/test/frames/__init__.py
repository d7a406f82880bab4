# SPDX-License-Identifier: Apache-2.0
"""Programs that other people wrote, on this library: what they do with it keeps working.

They are large, so that these tests have a tox environment of their own, ``frames``; the others
leave this directory out.
"""
