# SPDX-License-Identifier: Apache-2.0
"""Uploads on the engines themselves: Dask, Ray, Spark, MPI, loky and process pools.

The engines are large, so that these tests have a tox environment of their own, ``engines``; the
others leave this directory out. All processes are on loopback, and the store is the fake that
checks, in the process of the tests. Each engine is started once, by the fixture of its module.
"""
