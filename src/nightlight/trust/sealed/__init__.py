# SPDX-License-Identifier: Apache-2.0
"""Who a protected person is, kept closed. Promise: no name of a child lies in the database in clear, the web process
can close and not open, and every opening has an officer, a reason, a case number, an end, and an entry in the log.
"""
