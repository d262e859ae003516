# SPDX-License-Identifier: Apache-2.0
"""What goes out to other programs and installations, and comes back from them."""
