# SPDX-License-Identifier: Apache-2.0
"""Reads lists of addresses and networks as their publishers write them.

A line with a fault never ends the reading: it is named, counted and left out. What is no list at all is refused with a
code (`NetdataDamaged`), and then nothing of it may be used.
"""
