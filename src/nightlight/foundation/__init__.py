# SPDX-License-Identifier: Apache-2.0
"""Ground floor: clock, digests, canonical JSON, public ids, hardened XML, refusals. No tables, no Django."""
