/* SPDX-License-Identifier: Apache-2.0 */
/* Exact search among 256-bit hashes by two pigeonholes; what it rests on is said in pipeline/matching/index/pairs.py.

   Sixteen tables, one for each 16-bit half t (bytes 2t and 2t+1, big-endian). Table t lists every hash under its half t;
   an entry is the other half of the same 32-bit chunk (t ^ 1), which alone decides about nearly all of them. Hashes lie
   sorted and distinct, so table 0 is in their order and needs no row numbers. */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "processors.h"

#ifdef NL_X86
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
enum { TABLES = 16, HALVES = 65536, PROBES = 17, SLICE = 2048, KEPT = 3 * SLICE, AHEAD = 12, LINE = 64 };
enum { AUTO = 0, PROBE = 1, SCAN = 2 };

typedef struct {
    uint64_t n;             /* distinct hashes */
    const uint32_t *off;    /* [16][65537]: where the entries of a half begin */
    const uint16_t *sib;    /* [16][n]: the other half */
    const uint32_t *rows;   /* [15][n]: which hash, for tables 1 to 15 */
    const uint8_t *hashes;  /* [n][32] */
} nl_pairs;

typedef struct {
    uint32_t *out; /* query, row, distance; query, row, distance; ... */
    uint64_t count, capacity;
} hits;

typedef uint32_t (*sift)(const uint16_t *entries, uint32_t n, uint16_t half, int limit, uint32_t *out);

INLINE uint16_t half_of(const uint8_t *hash, int t) { return (uint16_t)(hash[2 * t] << 8 | hash[2 * t + 1]); }

INLINE int distance_of(const uint8_t *a, const uint8_t *b) {
    int d = 0;
    for (int i = 0; i < 32; i += 8) {
        uint64_t x, y;
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        d += __builtin_popcountll(x ^ y);
    }
    return d;
}

/* Which entries differ from `half` in at most `limit` bits: clearing the lowest bit `limit` times leaves nothing. */
typedef uint16_t eight __attribute__((vector_size(16)));

INLINE uint32_t sift_plain(const uint16_t *entries, uint32_t n, uint16_t half, int limit, uint32_t *out) {
    uint32_t found = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        eight x;
        memcpy(&x, entries + i, 16);
        x ^= half;
        for (int k = 0; k < limit; k++) x &= x - 1;
        x = (eight)(x == 0);
        uint64_t lanes[2];
        memcpy(lanes, &x, 16);
        if (lanes[0] | lanes[1])
            for (int j = 0; j < 8; j++)
                if (x[j]) out[found++] = i + j;
    }
    for (; i < n; i++) {
        uint16_t x = entries[i] ^ half;
        for (int k = 0; k < limit; k++) x &= x - 1;
        if (!x) out[found++] = i;
    }
    return found;
}

#ifdef NL_X86
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,bmi,popcnt")))

AVX2 INLINE uint32_t sift_avx2(const uint16_t *entries, uint32_t n, uint16_t half, int limit, uint32_t *out) {
    uint32_t found = 0, i = 0;
    const __m256i wanted = _mm256_set1_epi16((short)half), less = _mm256_set1_epi16(-1);
    for (; i + 16 <= n; i += 16) {
        __m256i x = _mm256_xor_si256(_mm256_loadu_si256((const void *)(entries + i)), wanted);
        for (int k = 0; k < limit; k++) x = _mm256_and_si256(x, _mm256_add_epi16(x, less));
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi16(x, _mm256_setzero_si256())) & 0x55555555u;
        for (; mask; mask &= mask - 1) out[found++] = i + (uint32_t)__builtin_ctz(mask) / 2;
    }
    uint32_t rest = sift_plain(entries + i, n - i, half, limit, out + found);
    for (uint32_t j = 0; j < rest; j++) out[found + j] += i;
    return found + rest;
}

AVX512 INLINE uint32_t sift_avx512(const uint16_t *entries, uint32_t n, uint16_t half, int limit, uint32_t *out) {
    uint32_t found = 0;
    const __m512i wanted = _mm512_set1_epi16((short)half), less = _mm512_set1_epi16(-1);
    for (uint32_t i = 0; i < n; i += 32) {
        __mmask32 lanes = n - i >= 32 ? ~0u : (1u << (n - i)) - 1;
        __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi16(lanes, entries + i), wanted);
        for (int k = 0; k < limit; k++) x = _mm512_and_si512(x, _mm512_add_epi16(x, less));
        for (uint32_t mask = _mm512_mask_testn_epi16_mask(lanes, x, x); mask; mask &= mask - 1)
            out[found++] = i + (uint32_t)__builtin_ctz(mask);
    }
    return found;
}
#endif

/* The first table through which a hash at these halves is found: it is reported there and nowhere else. */
INLINE int first_table(const uint8_t *a, const uint8_t *b, int pair, int near) {
    for (int t = 0; t < TABLES; t++) {
        int own = __builtin_popcount((unsigned)(half_of(a, t) ^ half_of(b, t)));
        int other = __builtin_popcount((unsigned)(half_of(a, t ^ 1) ^ half_of(b, t ^ 1)));
        if (own <= near && own + other <= pair) return t;
    }
    return -1;
}

INLINE int report(hits *to, uint32_t query, uint32_t row, int distance) {
    if (to->count == to->capacity) return 0;
    uint32_t *at = to->out + 3 * to->count++;
    at[0] = query, at[1] = row, at[2] = (uint32_t)distance;
    return 1;
}

INLINE int scan(const nl_pairs *x, const uint8_t *q, uint32_t number, int radius, hits *to) {
    for (uint64_t row = 0; row < x->n; row++) {
        int d = distance_of(q, x->hashes + 32 * row);
        if (d <= radius && !report(to, number, (uint32_t)row, d)) return 0;
    }
    return 1;
}

typedef struct {
    uint32_t begin, length;
    uint16_t table, flipped;
} bucket;

/* The entries that passed, as table << 40 | place: their row numbers, then their hashes, are asked of memory long before
   they are needed. 0: no room for a hit. */
INLINE int check(const nl_pairs *x, const uint8_t *q, uint32_t number, int radius, const uint64_t *kept, uint32_t n,
                 hits *to) {
    uint32_t rows[KEPT];
    const int pair = radius / 8, near = pair / 2;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t table = kept[i] >> 40, place = kept[i] & 0xffffffffffull;
        rows[i] = table ? x->rows[(table - 1) * x->n + place] : (uint32_t)place;
        __builtin_prefetch(x->hashes + 32 * (uint64_t)rows[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *hash = x->hashes + 32 * (uint64_t)rows[i];
        int d = distance_of(q, hash);
        if (d <= radius && first_table(q, hash, pair, near) == (int)(kept[i] >> 40) && !report(to, number, rows[i], d))
            return 0;
    }
    return 1;
}

/* One query. 1: done; 0: no room for its hits; -1: more to look at than reading all hashes would cost. */
INLINE int probe(const nl_pairs *x, const uint8_t *q, uint32_t number, int radius, int plan, hits *to, sift pick) {
    bucket buckets[TABLES * PROBES];
    uint32_t places[SLICE];
    uint64_t kept[KEPT], entries = 0, checked = 0, patience = x->n / 64 + 256;
    uint32_t many = 0, waiting = 0;
    const int pair = radius / 8, probes = pair / 2 ? PROBES : 1;
    for (int t = 0; t < TABLES; t++) {
        const uint32_t *off = x->off + (size_t)t * (HALVES + 1);
        const uint32_t half = half_of(q, t);
        for (int p = 0; p < probes; p++) {
            uint32_t key = p ? half ^ 1u << (p - 1) : half, length = off[key + 1] - off[key];
            if (length) buckets[many++] = (bucket){off[key], length, (uint16_t)t, p > 0};
            entries += length;
        }
    }
    if (plan == AUTO && entries > 4 * x->n) return -1;
    for (uint32_t b = 0; b < many; b++) {
        if (b + AHEAD < many) {
            const bucket *next = buckets + b + AHEAD;
            const char *at = (const char *)(x->sib + next->table * x->n + next->begin);
            uint32_t bytes = next->length < 8 * LINE ? 2 * next->length : 16 * LINE;
            for (uint32_t i = 0; i < bytes + LINE - 1; i += LINE) __builtin_prefetch(at + i);
        }
        const bucket *now = buckets + b;
        const uint16_t other = half_of(q, now->table ^ 1);
        for (uint32_t done = 0; done < now->length; done += SLICE) {
            uint32_t n = now->length - done < SLICE ? now->length - done : SLICE, found = 0;
            uint64_t place = (uint64_t)now->begin + done;
            const uint16_t *at = x->sib + now->table * x->n + place;
            switch (pair - now->flipped) { /* constants, so that the compiler unrolls */
                case 3: found = pick(at, n, other, 3, places); break;
                case 2: found = pick(at, n, other, 2, places); break;
                case 1: found = pick(at, n, other, 1, places); break;
                default: found = pick(at, n, other, 0, places);
            }
            for (uint32_t i = 0; i < found; i++) {
                uint64_t entry = place + places[i];
                kept[waiting++] = (uint64_t)now->table << 40 | entry;
                if (now->table) __builtin_prefetch(x->rows + (now->table - 1) * x->n + entry);
            }
            checked += found;
            if (plan == AUTO && checked > patience) return -1;
            if (waiting > KEPT - SLICE) {
                if (!check(x, q, number, radius, kept, waiting, to)) return 0;
                waiting = 0;
            }
        }
    }
    return check(x, q, number, radius, kept, waiting, to);
}

/* Queries in their order until one's hits find no room; returns how many queries are done. */
INLINE uint64_t search(const nl_pairs *x, const uint8_t *queries, uint64_t m, int radius, int plan, hits *to, sift pick) {
    if (plan == AUTO && x->n < SLICE) plan = SCAN;
    for (uint64_t i = 0; i < m; i++) {
        const uint8_t *q = queries + 32 * i;
        uint64_t before = to->count;
        int went = plan == SCAN ? -1 : probe(x, q, (uint32_t)i, radius, plan, to, pick);
        if (went < 0) {
            to->count = before;
            went = scan(x, q, (uint32_t)i, radius, to);
        }
        if (!went) {
            to->count = before;
            return i;
        }
    }
    return m;
}

static uint64_t search_plain(const nl_pairs *x, const uint8_t *q, uint64_t m, int radius, int plan, hits *to) {
    return search(x, q, m, radius, plan, to, sift_plain);
}

#ifdef NL_X86
AVX2 static uint64_t search_avx2(const nl_pairs *x, const uint8_t *q, uint64_t m, int radius, int plan, hits *to) {
    return search(x, q, m, radius, plan, to, sift_avx2);
}

AVX512 static uint64_t search_avx512(const nl_pairs *x, const uint8_t *q, uint64_t m, int radius, int plan, hits *to) {
    return search(x, q, m, radius, plan, to, sift_avx512);
}
#endif

/* The best of this processor: 2 AVX-512, 1 AVX2, 0 plain. */
int nl_pairs_level(void) {
#ifdef NL_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("popcnt")) return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) return 1;
#endif
    return 0;
}

/* All hashes within `radius` (0 to 31) of each query, each once, query by query: `*hit_count` times query number, row
   and distance in `out`, which has room for `capacity` of these. Returns how many queries are done: fewer than m means that the next one's hits did not fit in. `plan` is AUTO,
   or PROBE or SCAN for tests; `level` as above, not more than this processor has. */
uint64_t nl_pairs_search(const nl_pairs *x, const uint8_t *queries, uint64_t m, int radius, int plan, int level,
                         uint32_t *out, uint64_t capacity, uint64_t *hit_count) {
    hits to = {out, 0, capacity};
    uint64_t done;
#ifdef NL_X86
    if (level == 2)
        done = search_avx512(x, queries, m, radius, plan, &to);
    else if (level == 1)
        done = search_avx2(x, queries, m, radius, plan, &to);
    else
#endif
        done = search_plain(x, queries, m, radius, plan, &to);
    (void)level;
    *hit_count = to.count;
    return done;
}

static int by_hash(const void *a, const void *b, void *hashes) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int c = memcmp((const uint8_t *)hashes + 32 * (uint64_t)x, (const uint8_t *)hashes + 32 * (uint64_t)y, 32);
    return c ? c : (x > y) - (x < y);
}

/* The rows in the order of their hashes, equal ones in the order in which they came: two counting passes over the first
   four bytes, then what is equal there. `work` holds n numbers. Returns how many distinct hashes there are. */
uint64_t nl_pairs_order(uint64_t n, const uint8_t *hashes, uint32_t *order, uint32_t *work) {
    uint32_t *at = malloc((HALVES + 1) * sizeof *at);
    uint64_t distinct = n > 0;
    if (!at) return ~0ull;
    for (int t = 1; t >= 0; t--) {
        uint32_t *to = t ? work : order;
        memset(at, 0, (HALVES + 1) * sizeof *at);
        for (uint64_t i = 0; i < n; i++) at[half_of(hashes + 32 * i, t) + 1]++;
        for (int k = 0; k < HALVES; k++) at[k + 1] += at[k];
        for (uint64_t i = 0; i < n; i++) {
            uint32_t row = t ? (uint32_t)i : work[i];
            if (!t && i + 32 < n) __builtin_prefetch(hashes + 32 * (uint64_t)work[i + 32]);
            to[at[half_of(hashes + 32 * (uint64_t)row, t)]++] = row;
        }
    }
    free(at);
    for (uint64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && !memcmp(hashes + 32 * (uint64_t)order[i], hashes + 32 * (uint64_t)order[j], 4); j++)
            if (j + 32 < n) __builtin_prefetch(hashes + 32 * (uint64_t)order[j + 32]);
        if (j - i > 1) qsort_r(order + i, j - i, sizeof *order, by_hash, (void *)(uintptr_t)hashes);
        for (uint64_t k = i + 1; k < j; k++)
            distinct += memcmp(hashes + 32 * (uint64_t)order[k - 1], hashes + 32 * (uint64_t)order[k], 32) != 0;
        distinct += j < n;
    }
    return distinct;
}

/* Fill the sixteen tables from `n` sorted, distinct hashes. Returns 0, or 1 when there is no memory. */
int nl_pairs_build(uint64_t n, const uint8_t *hashes, uint32_t *off, uint16_t *sib, uint32_t *rows) {
    uint32_t *at = malloc(HALVES * sizeof *at);
    if (!at) return 1;
    for (int t = 0; t < TABLES; t++) {
        uint32_t *begin = off + (size_t)t * (HALVES + 1);
        uint16_t *to = sib + t * n;
        memset(begin, 0, (HALVES + 1) * sizeof *begin);
        for (uint64_t i = 0; i < n; i++) begin[half_of(hashes + 32 * i, t) + 1]++;
        for (int k = 0; k < HALVES; k++) begin[k + 1] += begin[k];
        memcpy(at, begin, HALVES * sizeof *at);
        for (uint64_t i = 0; i < n; i++) {
            uint32_t place = at[half_of(hashes + 32 * i, t)]++;
            to[place] = half_of(hashes + 32 * i, t ^ 1);
            if (t) rows[(t - 1) * n + place] = (uint32_t)i;
        }
    }
    free(at);
    return 0;
}
