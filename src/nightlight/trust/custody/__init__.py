# SPDX-License-Identifier: Apache-2.0
"""Custody: who did what to what, when, in a log that can be added to and never changed.

What this step promises: every act is written in the same database transaction as the act itself; the log is
a Merkle tree (RFC 9162) whose signed heads leave the building; any later change of an entry, by anyone, the
owner of the machine included, is found by whoever kept a head; and a court can check an entry offline,
without this software.
"""
