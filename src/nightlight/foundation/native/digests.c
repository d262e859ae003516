/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a sorted file of digests; its layout is said in pipeline/matching/index/digests.py. */

#include <stdint.h>
#include <string.h>

#include "processors.h"

#define INLINE static inline __attribute__((always_inline))
enum { SHARED = 5, AT_ONCE = 32 }; /* prefixes that share a sample, as a power of two; digests on their way at once */

typedef struct {
    const uint8_t *records; /* a digest without its first `dropped` bytes, then an id in `step - tail` bytes */
    uint64_t step, tail;
    const uint32_t *samples; /* how many records lie before every 32nd prefix */
    const uint64_t *bits;    /* for each prefix a 1 for each of its records, then a 0 */
    uint64_t dropped;        /* bytes of a prefix: 2 or 3 */
    int64_t base;            /* added to an id */
} nl_digests;

INLINE uint32_t prefix_of(const nl_digests *x, const uint8_t *digest) {
    uint32_t p = (uint32_t)digest[0] << 8 | digest[1];
    return x->dropped == 3 ? p << 8 | digest[2] : p;
}

/* The records of one prefix: of the zeros after its sample, the one that ends the prefix before, and its own. */
INLINE void window(const nl_digests *x, uint32_t p, uint64_t *low, uint64_t *high) {
    uint32_t rank = p & ((1 << SHARED) - 1);
    uint64_t at = x->samples[p >> SHARED] + (uint64_t)(p - rank), i = at / 64;
    uint64_t zeros = ~x->bits[i] & ~0ull << at % 64;
    *low = x->samples[p >> SHARED];
    if (rank) {
        uint32_t skip = rank - 1, here;
        while ((here = (uint32_t)__builtin_popcountll(zeros)) <= skip) skip -= here, zeros = ~x->bits[++i];
        while (skip--) zeros &= zeros - 1;
        *low = 64 * i + (uint64_t)__builtin_ctzll(zeros) + 1 - p;
        zeros &= zeros - 1;
    }
    while (!zeros) zeros = ~x->bits[++i];
    *high = 64 * i + (uint64_t)__builtin_ctzll(zeros) - p;
}

INLINE int same(const nl_digests *x, uint64_t place, const uint8_t *digest) {
    return !memcmp(x->records + place * x->step, digest + x->dropped, x->tail);
}

/* The first record from low to high that is not below the digest. */
INLINE uint64_t lower(const nl_digests *x, const uint8_t *digest, uint64_t low, uint64_t high) {
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (memcmp(x->records + middle * x->step, digest + x->dropped, x->tail) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The id that has this digest; -1 where none has, -2 where several have. */
NL_EVERY_PROCESSOR
int64_t nl_digests_find_one(const nl_digests *x, const uint8_t *digest) {
    uint64_t low, high, id = 0;
    window(x, prefix_of(x, digest), &low, &high);
    low = lower(x, digest, low, high);
    if (low == high || !same(x, low, digest)) return -1;
    if (low + 1 < high && same(x, low + 1, digest)) return -2;
    for (uint64_t i = x->step; i-- > x->tail;) id = id << 8 | x->records[low * x->step + i];
    return x->base + (int64_t)id;
}

/* For each of m digests the first of the records that have it, and how many have. Memory is asked for 32 digests before
   the first is compared. */
NL_EVERY_PROCESSOR
void nl_digests_find(const nl_digests *x, const uint8_t *digests, uint64_t m, uint32_t *first, uint32_t *count) {
    const uint64_t width = x->dropped + x->tail;
    uint64_t low[AT_ONCE], high[AT_ONCE];
    for (uint64_t start = 0; start < m; start += AT_ONCE) {
        const uint64_t n = m - start < AT_ONCE ? m - start : AT_ONCE;
        const uint8_t *d = digests + start * width;
        for (uint64_t i = 0; i < n; i++) __builtin_prefetch(x->samples + (prefix_of(x, d + i * width) >> SHARED));
        for (uint64_t i = 0; i < n; i++) {
            uint32_t p = prefix_of(x, d + i * width);
            __builtin_prefetch(x->bits + (x->samples[p >> SHARED] + (uint64_t)p) / 64);
        }
        for (uint64_t i = 0; i < n; i++) {
            window(x, prefix_of(x, d + i * width), low + i, high + i);
            __builtin_prefetch(x->records + (low[i] + high[i]) / 2 * x->step);
        }
        for (uint64_t i = 0; i < n; i++) {
            uint64_t at = lower(x, d + i * width, low[i], high[i]), end = at;
            while (end < high[i] && same(x, end, d + i * width)) end++;
            first[start + i] = (uint32_t)at;
            count[start + i] = (uint32_t)(end - at);
        }
    }
}
