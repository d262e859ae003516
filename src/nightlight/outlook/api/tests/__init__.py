# SPDX-License-Identifier: Apache-2.0
"""Tests of the pages: Alice is an officer, Bob an auditor, Charlie an administrator."""
