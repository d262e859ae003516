/* SPDX-License-Identifier: Apache-2.0 */
/* Says from which sources this library was compiled, so that a stale one is never used. */

#ifndef NL_VERSION
#error "compile with scripts/build-native"
#endif

const char *nl_core_version(void) { return NL_VERSION; }
