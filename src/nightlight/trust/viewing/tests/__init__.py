# SPDX-License-Identifier: Apache-2.0
"""Tests of looking at files; every picture in them is a gradient, a pattern or lettering."""
