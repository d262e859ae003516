# SPDX-License-Identifier: Apache-2.0
"""What people see and what leaves the building."""
