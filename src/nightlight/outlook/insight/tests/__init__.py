# SPDX-License-Identifier: Apache-2.0
"""Tests of the scorecard and of what is held back from reporters."""
