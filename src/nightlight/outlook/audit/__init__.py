# SPDX-License-Identifier: Apache-2.0
"""The audit pages: who saw, did, searched and exported what, and the proof of any entry."""
