# SPDX-License-Identifier: Apache-2.0
"""The exercise: an invented world that files reports exactly as platforms do, for training and for measuring.

Everything here is made up and harmless: platforms at example.org, people who do not exist, addresses from the
documentation ranges, pictures of patchwork and calendars. The same seed always gives the same world, and what
is true about it (who is who, which file is which) is kept aside and never sent.
"""
