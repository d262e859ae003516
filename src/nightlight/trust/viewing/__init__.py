# SPDX-License-Identifier: Apache-2.0
"""Looking at files: nobody gets the original into a browser. Promise: a file is decoded away from everything that
matters, in a process that can reach nothing; what is shown is a small picture that bears who looked and when.
"""
