# SPDX-License-Identifier: Apache-2.0
"""The documentation is true: its examples run, and what is generated says what the code does."""
