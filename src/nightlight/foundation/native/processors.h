/* SPDX-License-Identifier: Apache-2.0 */
/* NL_EVERY_PROCESSOR before a function: the compiler makes one for each kind of processor (plain, AVX2, AVX-512), and
   the right one is chosen when the library is loaded. scripts/build-native defines NL_PLAIN where that is not known. */

#ifndef NL_PROCESSORS_H
#define NL_PROCESSORS_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(NL_PLAIN)
#define NL_X86 1
#define NL_EVERY_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NL_EVERY_PROCESSOR
#endif

#endif
