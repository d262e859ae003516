# SPDX-License-Identifier: Apache-2.0
"""The Hash Sharing API, version 2, as partners' software already speaks it: our lists, for those they were opened to.

Promise: a client that polls by time ends with exactly what the list says, whatever changes while it polls; and a list
that was not opened to a member is one that does not exist.
"""
