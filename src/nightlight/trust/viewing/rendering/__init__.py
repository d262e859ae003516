# SPDX-License-Identifier: Apache-2.0
"""Makes small pictures out of files nobody trusts. Promise: the decoder of a hostile file can reach no network, no
other file and no program, and whatever it does, nothing but the values of pixels comes out of it.

``render.render`` is what other code calls; it runs ``child`` once for each file. See docs/decisions/0014-renditions.md.
"""
