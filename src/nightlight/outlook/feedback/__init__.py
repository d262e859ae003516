# SPDX-License-Identifier: Apache-2.0
"""What became of a reporter's own reports, asked with the credential that filed them. See docs/exchange/feedback.md.

Promise: a code, days, and what the report lacked; never who, where, which unit or what comes next. A report of somebody
else is one that does not exist, and nothing changes within a day.
"""
