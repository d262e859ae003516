# SPDX-License-Identifier: Apache-2.0
"""The wire of the Hash Sharing API, version 2: its documents both ways, and a client that polls a server."""
