# SPDX-License-Identifier: Apache-2.0
"""Tests of what reporters may ask about their own reports."""
