/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the rows of an operator's log against an index of events; what the parts of the index mean is said in
   casework/attribution/returns/event_index.py. */

#include <stdint.h>
#include <string.h>

#include "processors.h"

#ifdef __SSE2__ /* every x86-64 */
#include <emmintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
enum { AT_ONCE = 256, MANY = 1024, LANES = 16 }; /* rows on their way at once; a long stretch; ports compared at once */
static const uint32_t NOBODY = 0xffffffffu;

typedef struct { uint32_t key, id; } nl_slot4; /* id NOBODY: an empty slot */
typedef struct { uint64_t high, low, id; } nl_slot6;
typedef struct { uint32_t base, shift; } nl_node; /* a port's cell is base + (port >> shift) */
/* Of an id: `first` is its earliest `last`, whose cell is base; a cell has 1 << shift seconds; the latest `last` is in the
   cell before the next id's base. No event's `last` is more than `most` beyond its `after`. One more at the end. */
typedef struct { uint32_t first, most, base, shift; } nl_times32;
typedef struct { int64_t first, most; uint32_t base, shift; } nl_times64;
typedef struct { uint32_t last, after, port, event; } nl_event32; /* in time for a lease iff start <= last, after <= end */
typedef struct { int64_t last, after; uint32_t port, event; } nl_event64;

typedef struct {
    const void *times;      /* by id; NULL: there are no such events */
    const uint32_t *cells;  /* where the events of a cell begin; one more at the end */
    const void *events;     /* by id and `last` */
    const uint16_t *ports;  /* theirs, and LANES more */
} nl_by_time;

typedef struct {
    const void *slots;
    uint64_t slots_bits; /* how many slots, as a power of two */
    uint64_t wide;       /* 1: keys of 128 bits */
    uint64_t long_times; /* 1: nl_event64, nl_times64 and int64_t, 0: nl_event32, nl_times32 and uint32_t */
    uint64_t shift;      /* of an address before it is a key: what is behind the prefix */
    nl_by_time ported, portless; /* events that state a port, and others */
    const nl_node *nodes;    /* by id; NULL where no address has many events: those with a port by address and port */
    const uint32_t *cells;   /* where the events of a cell of ports begin; one more at the end */
    const void *by_port;
} nl_events;

typedef struct {
    const void *address; /* uint32_t, or NULL where the two below are given */
    const uint64_t *high, *low;
    const uint16_t *port_low, *port_high; /* NULL: 0 and 65535 */
    const void *start, *end;
    const uint32_t *chosen; /* rows to look at, or NULL: the first n */
} nl_rows;

typedef struct { uint64_t found, room; uint32_t *event, *row; } nl_found;

INLINE uint64_t mixed4(uint32_t key) { return key * 0x9e3779b97f4a7c15u; }
INLINE uint64_t mixed6(uint64_t high, uint64_t low) {
    uint64_t x = (high ^ low >> 32) * 0x9e3779b97f4a7c15u;
    return (x ^ x >> 29 ^ low) * 0xbf58476d1ce4e5b9u;
}

/* Keys are different from one another; the slots must be empty and more than the keys. */
void nl_events_fill4(nl_slot4 *slots, uint64_t bits, const uint32_t *keys, uint64_t n) {
    const uint64_t mask = (1ull << bits) - 1;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = mixed4(keys[i]) >> (64 - bits);
        while (slots[at].id != NOBODY) at = (at + 1) & mask;
        slots[at].key = keys[i], slots[at].id = (uint32_t)i;
    }
}

void nl_events_fill6(nl_slot6 *slots, uint64_t bits, const uint64_t *high, const uint64_t *low, uint64_t n) {
    const uint64_t mask = (1ull << bits) - 1;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = mixed6(high[i], low[i]) >> (64 - bits);
        while (slots[at].id != NOBODY) at = (at + 1) & mask;
        slots[at].high = high[i], slots[at].low = low[i], slots[at].id = i;
    }
}

INLINE uint32_t id4(const nl_events *x, uint32_t key) {
    const nl_slot4 *slots = x->slots;
    const uint64_t mask = (1ull << x->slots_bits) - 1;
    uint64_t at = mixed4(key) >> (64 - x->slots_bits);
    while (slots[at].key != key && slots[at].id != NOBODY) at = (at + 1) & mask;
    return slots[at].id; /* an empty slot's key may be equal, too: its id is NOBODY */
}

INLINE uint32_t id6(const nl_events *x, uint64_t high, uint64_t low) {
    const nl_slot6 *slots = x->slots;
    const uint64_t mask = (1ull << x->slots_bits) - 1;
    uint64_t at = mixed6(high, low) >> (64 - x->slots_bits);
    while (slots[at].id != NOBODY && (slots[at].high != high || slots[at].low != low)) at = (at + 1) & mask;
    return (uint32_t)slots[at].id;
}

INLINE void keep(nl_found *to, uint32_t event, uint32_t row) {
    if (to->found < to->room) to->event[to->found] = event, to->row[to->found] = row;
    to->found++;
}

INLINE int64_t time_at(const void *times, uint64_t i, int longer) {
    return longer ? ((const int64_t *)times)[i] : (int64_t)((const uint32_t *)times)[i];
}
INLINE int in_time(const void *events, uint64_t i, int64_t start, int64_t end, int longer) {
    if (longer) {
        const nl_event64 *e = (const nl_event64 *)events + i;
        return (start <= e->last) & (e->after <= end);
    }
    const nl_event32 *e = (const nl_event32 *)events + i;
    return ((uint32_t)start <= e->last) & (e->after <= (uint32_t)end);
}
INLINE uint32_t port_of(const void *events, uint64_t i, int longer) {
    return longer ? ((const nl_event64 *)events)[i].port : ((const nl_event32 *)events)[i].port;
}
INLINE uint32_t event_of(const void *events, uint64_t i, int longer) {
    return longer ? ((const nl_event64 *)events)[i].event : ((const nl_event32 *)events)[i].event;
}

/* The cells, from and until, of the events of an id that can be in time. */
INLINE void cells_of(const void *times, uint32_t id, int64_t start, int64_t end, uint32_t *from, uint32_t *until,
                     int longer) {
    uint64_t a, b, base, many; /* the first of the id's cells, and the one after the last */
    if (longer) {
        const nl_times64 *t = (const nl_times64 *)times + id;
        int64_t beyond;
        if (__builtin_add_overflow(end, t->most, &beyond)) beyond = INT64_MAX;
        a = start <= t->first ? 0 : ((uint64_t)start - (uint64_t)t->first) >> t->shift;
        b = beyond < t->first ? 0 : (((uint64_t)beyond - (uint64_t)t->first) >> t->shift) + 1;
        base = t->base, many = t[1].base - t->base;
    } else { /* without branches */
        const nl_times32 *t = (const nl_times32 *)times + id;
        const int64_t after = start - t->first, beyond = end + (int64_t)t->most - t->first;
        a = (uint64_t)(after > 0 ? after : 0) >> t->shift;
        b = (uint64_t)((beyond >> t->shift) + 1);
        b = beyond < 0 ? 0 : b;
        base = t->base, many = t[1].base - t->base;
    }
    b = b < many ? b : many;
    a = a < b ? a : b; /* also for a lease that ends before it begins */
    *from = (uint32_t)(base + a), *until = (uint32_t)(base + b);
}

/* Which of `many` ports (at most LANES; as many may be read) are from low to low + width: a bit for each. */
INLINE uint32_t ports_in(const uint16_t *ports, uint32_t many, uint16_t low, uint16_t width) {
    uint32_t found = 0;
#ifdef __SSE2__
    const __m128i lows = _mm_set1_epi16((short)low), widths = _mm_set1_epi16((short)width), none = _mm_setzero_si128();
    __m128i a = _mm_sub_epi16(_mm_loadu_si128((const __m128i *)ports), lows);
    __m128i b = _mm_sub_epi16(_mm_loadu_si128((const __m128i *)(ports + 8)), lows);
    a = _mm_cmpeq_epi16(_mm_subs_epu16(a, widths), none);
    b = _mm_cmpeq_epi16(_mm_subs_epu16(b, widths), none);
    found = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
#else
    for (uint32_t i = 0; i < LANES; i++) found |= (uint32_t)((uint16_t)(ports[i] - low) <= width) << i;
#endif
    return found & (0xffffffffu >> (32 - many));
}

/* The events from a to b by port. */
INLINE void by_port(const nl_events *x, uint32_t a, uint32_t b, uint32_t low, uint32_t high, int64_t start, int64_t end,
                    uint32_t row, nl_found *to, int longer) {
    for (uint32_t e = a; e < b; e++) {
        const uint32_t port = port_of(x->by_port, e, longer);
        if (in_time(x->by_port, e, start, end, longer) & (port >= low) & (port <= high))
            keep(to, event_of(x->by_port, e, longer), row);
    }
}

/* Keeps those of some pairs that are in time. */
INLINE void compare(const void *events, const nl_rows *rows, const uint32_t *row, const uint32_t *event, uint32_t many,
                    nl_found *to, int longer) {
    for (uint32_t i = 0; i < many; i++) {
        const int64_t start = time_at(rows->start, row[i], longer), end = time_at(rows->end, row[i], longer);
        if (in_time(events, event[i], start, end, longer)) keep(to, event_of(events, event[i], longer), row[i]);
    }
}

INLINE void probe(const nl_events *x, const nl_rows *rows, uint64_t n, nl_found *to, int wide, int longer) {
    const nl_by_time *t = &x->ported, *u = &x->portless;
    const uint64_t size = longer ? sizeof(nl_event64) : sizeof(nl_event32);
    const uint64_t of_times = longer ? sizeof(nl_times64) : sizeof(nl_times32);
    uint32_t row[AT_ONCE], id[AT_ONCE], from[AT_ONCE], until[AT_ONCE], row_held[AT_ONCE], event_held[AT_ONCE];
    for (uint64_t begin = 0; begin < n; begin += AT_ONCE) {
        const uint32_t many = (uint32_t)(n - begin < AT_ONCE ? n - begin : AT_ONCE);
        uint32_t m = 0, k = 0, held = 0;
        for (uint32_t i = 0; i < many; i++) { /* rows of an address that has events */
            const uint32_t r = rows->chosen ? rows->chosen[begin + i] : (uint32_t)begin + i;
            uint32_t found;
            if (!wide) {
                found = id4(x, x->shift >= 32 ? 0 : ((const uint32_t *)rows->address)[r] >> x->shift);
            } else {
                uint64_t high = rows->high[r], low = rows->low[r];
                if (x->shift >= 128) high = low = 0;
                else if (x->shift >= 64) low = high >> (x->shift - 64), high = 0;
                else if (x->shift) low = low >> x->shift | high << (64 - x->shift), high >>= x->shift;
                found = id6(x, high, low);
            }
            row[m] = r, id[m] = found;
            if (t->times) __builtin_prefetch((const char *)t->times + (found != NOBODY ? found : 0) * of_times);
            m += found != NOBODY;
        }
        for (uint32_t i = 0; u->times && i < m; i++) { /* any port */
            const int64_t start = time_at(rows->start, row[i], longer), end = time_at(rows->end, row[i], longer);
            uint32_t a, b;
            cells_of(u->times, id[i], start, end, &a, &b, longer);
            for (uint32_t e = u->cells[a]; e < u->cells[b]; e++)
                if (in_time(u->events, e, start, end, longer)) keep(to, event_of(u->events, e, longer), row[i]);
        }
        if (!t->times) continue;
        for (uint32_t i = 0; i < m; i++) {
            const int64_t start = time_at(rows->start, row[i], longer), end = time_at(rows->end, row[i], longer);
            cells_of(t->times, id[i], start, end, from + i, until + i, longer);
            __builtin_prefetch(t->cells + from[i]);
            __builtin_prefetch(t->cells + until[i]);
        }
        for (uint32_t i = 0; i < m; i++) {
            const uint32_t a = t->cells[from[i]], b = t->cells[until[i]];
            row[k] = row[i], id[k] = id[i], from[k] = a, until[k] = b;
            __builtin_prefetch(t->ports + a);
            k += a < b;
        }
        for (uint32_t i = 0; i < k; i++) {
            const uint32_t r = row[i], low = rows->port_low ? rows->port_low[r] : 0;
            const uint32_t high = rows->port_high ? rows->port_high[r] : 65535;
            if (low > high) continue; /* no ports at all */
            if (until[i] - from[i] > MANY && x->nodes) {
                const nl_node node = x->nodes[id[i]];
                const uint32_t a = x->cells[node.base + (low >> node.shift)];
                const uint32_t b = x->cells[node.base + (high >> node.shift) + 1];
                if (b - a < (until[i] - from[i]) / 8) {
                    by_port(x, a, b, low, high, time_at(rows->start, r, longer), time_at(rows->end, r, longer), r, to, longer);
                    continue;
                }
            }
            for (uint32_t a = from[i]; a < until[i]; a += LANES) {
                const uint32_t some = until[i] - a < LANES ? until[i] - a : LANES;
                uint32_t in = ports_in(t->ports + a, some, (uint16_t)low, (uint16_t)(high - low));
                if (!in) continue;
                if (held > AT_ONCE - LANES) compare(t->events, rows, row_held, event_held, held, to, longer), held = 0;
                for (; in; in &= in - 1, held++) {
                    const uint32_t e = a + (uint32_t)__builtin_ctz(in);
                    row_held[held] = r, event_held[held] = e;
                    __builtin_prefetch((const char *)t->events + e * size);
                }
            }
        }
        compare(t->events, rows, row_held, event_held, held, to, longer);
    }
}

NL_EVERY_PROCESSOR
static void probe4_short(const nl_events *x, const nl_rows *r, uint64_t n, nl_found *to) { probe(x, r, n, to, 0, 0); }
NL_EVERY_PROCESSOR
static void probe4_long(const nl_events *x, const nl_rows *r, uint64_t n, nl_found *to) { probe(x, r, n, to, 0, 1); }
NL_EVERY_PROCESSOR
static void probe6_short(const nl_events *x, const nl_rows *r, uint64_t n, nl_found *to) { probe(x, r, n, to, 1, 0); }
NL_EVERY_PROCESSOR
static void probe6_long(const nl_events *x, const nl_rows *r, uint64_t n, nl_found *to) { probe(x, r, n, to, 1, 1); }

/* Appends every match of n rows to `to`. to->found says how many there are, more than to->room where there is too
   little: then what was kept is not all, and the same rows are to be asked again with room for as many. */
void nl_events_probe(const nl_events *x, const nl_rows *rows, uint64_t n, nl_found *to) {
    if (x->wide)
        (x->long_times ? probe6_long : probe6_short)(x, rows, n, to);
    else
        (x->long_times ? probe4_long : probe4_short)(x, rows, n, to);
}

/* The rows, in order, whose address has an event: how many. */
NL_EVERY_PROCESSOR
uint64_t nl_events_known4(const nl_events *x, const uint32_t *address, uint64_t n, uint32_t *row) {
    uint64_t m = 0;
    for (uint64_t i = 0; i < n; i++) {
        row[m] = (uint32_t)i;
        m += id4(x, x->shift >= 32 ? 0 : address[i] >> x->shift) != NOBODY;
    }
    return m;
}
