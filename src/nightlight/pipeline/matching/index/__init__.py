# SPDX-License-Identifier: Apache-2.0
"""Exact look-ups in large hash lists: flat files mapped into memory and shared by all processes.

No database, no Django.

``pairs``: all PDQ hashes within Hamming distance 31. ``digests``: MD5, SHA-1 and SHA-256. ``overlay``: what changed
since those files were built. ``known``: all of it behind one face. ``store``: their folder, built anew and swapped
while serving. ``own``: the same question about the installation's own files, in plain SQL.
"""
