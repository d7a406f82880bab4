# SPDX-License-Identifier: Apache-2.0
"""Tests of the Swift protocol and its drivers, on a fake that checks what it is sent."""
