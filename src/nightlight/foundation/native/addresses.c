/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text to numbers, and numbers to ranges. What is not written in one of the plain forms is left to Python
   (casework/attribution/addresses.py), so this file never decides that a text is no address. */

#include <stdint.h>
#include <string.h>

#include "processors.h"

enum { UNREAD = 0, DOTTED = 1, IPV6 = 2, MAPPED = 3, WITH_PORT = 4 }; /* as BATCH_NOTATIONS of addresses.py */

static const char *octets(const char *at, const char *end, uint32_t *number) {
    uint32_t whole = 0;
    for (int part = 0; part < 4; part++) {
        if (part && (at == end || *at++ != '.')) return 0;
        uint32_t value = 0;
        const char *first = at;
        while (at < end && (uint8_t)(*at - '0') < 10 && at - first < 4) value = value * 10 + (uint32_t)(*at++ - '0');
        if (at == first || at - first > 3 || value > 255 || (at - first > 1 && *first == '0')) return 0;
        whole = whole << 8 | value;
    }
    *number = whole;
    return at;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 4291, section 2.2: eight groups, at most one "::" for one group or more, perhaps an IPv4 address at the end. */
static int ipv6(const char *at, const char *end, uint64_t *high, uint64_t *low) {
    uint16_t groups[8] = {0};
    int count = 0, gap = -1;
    if (end - at < 2) return 0;
    if (*at == ':') {
        if (at[1] != ':') return 0;
        gap = 0, at += 2;
    }
    while (at < end) {
        const char *first = at;
        uint32_t value = 0;
        int digit;
        if (count == 8) return 0;
        while (at < end && (digit = hex(*at)) >= 0 && at - first < 5) value = value << 4 | (uint32_t)digit, at++;
        if (at == first || at - first > 4) return 0;
        if (at < end && *at == '.') {
            uint32_t inner;
            if (count > 6 || octets(first, end, &inner) != end) return 0;
            groups[count++] = (uint16_t)(inner >> 16), groups[count++] = (uint16_t)inner;
            break;
        }
        groups[count++] = (uint16_t)value;
        if (at == end) break;
        if (*at++ != ':' || at == end) return 0; /* a single colon ends no address */
        if (*at == ':') {
            if (gap >= 0) return 0;
            gap = count, at++;
        }
    }
    if (gap < 0 ? count != 8 : count > 7) return 0;
    if (gap >= 0) {
        int tail = count - gap;
        memmove(groups + 8 - tail, groups + gap, (size_t)tail * sizeof *groups);
        memset(groups + gap, 0, (size_t)(8 - count) * sizeof *groups);
    }
    *high = *low = 0;
    for (int i = 0; i < 4; i++) *high = *high << 16 | groups[i], *low = *low << 16 | groups[i + 4];
    return 1;
}

/* `text`: n lines parted by newlines, `size` bytes in all. Gives each line's notation (UNREAD: Python must look), its
   number (IPv4 in v4, IPv6 in high and low, else zeros) and its port (-1: none). Returns how many are unread, or
   n + 1 where there are not n lines. */
uint64_t nl_addresses_parse(const char *text, uint64_t size, uint64_t n, uint8_t *notation, uint32_t *v4,
                            uint64_t *high, uint64_t *low, int32_t *port) {
    const char *at = text, *all = text + size;
    uint64_t unread = 0;
    for (uint64_t i = 0; i < n; i++) {
        const char *end, *rest;
        if (i == n - 1) {
            if (memchr(at, '\n', (size_t)(all - at))) return n + 1;
            end = all;
        } else {
            end = memchr(at, '\n', (size_t)(all - at));
            if (!end) return n + 1;
        }
        notation[i] = UNREAD, v4[i] = 0, high[i] = low[i] = 0, port[i] = -1;
        if ((rest = octets(at, end, v4 + i))) {
            if (rest == end) {
                notation[i] = DOTTED;
            } else if (*rest == ':' && rest + 1 < end && rest[1] != '0' && end - rest <= 6) {
                int32_t value = 0;
                for (rest++; rest < end && (uint8_t)(*rest - '0') < 10; rest++) value = value * 10 + (*rest - '0');
                if (rest == end && value <= 65535) notation[i] = WITH_PORT, port[i] = value;
            }
        } else if (ipv6(at, end, high + i, low + i)) {
            notation[i] = IPV6;
            if (!high[i] && low[i] >> 32 == 0xffff) notation[i] = MAPPED, v4[i] = (uint32_t)low[i], low[i] = 0;
        }
        if (notation[i] == UNREAD) v4[i] = 0, high[i] = low[i] = 0, unread++;
        at = end + 1;
    }
    return unread;
}

/* Which of the sorted disjoint ranges [starts[k], ends[k]] each query lies in: k, or -1. `index[p]` is how many starts
   lie before p * 65536 (65,537 numbers). */
void nl_ranges_find(const uint32_t *starts, const uint32_t *ends, const uint32_t *index, const uint32_t *queries,
                    uint64_t n, int32_t *found) {
    for (uint64_t i = 0; i < n; i++) {
        uint32_t query = queries[i], page = query >> 16;
        uint32_t first = index[page], count = index[page + 1] - first;
        while (count) { /* the first start above the query; without a branch that can be mispredicted */
            uint32_t half = count >> 1, above = starts[first + half] > query;
            first = above ? first : first + half + 1;
            count = above ? half : count - half - 1;
        }
        found[i] = first && query <= ends[first - 1] ? (int32_t)(first - 1) : -1;
    }
}

/* The same for IPv6, each number as two halves; ranges are sorted by both. */
void nl_ranges_find6(uint64_t ranges, const uint64_t *starts_high, const uint64_t *starts_low,
                     const uint64_t *ends_high, const uint64_t *ends_low, const uint64_t *high, const uint64_t *low,
                     uint64_t n, int32_t *found) {
    for (uint64_t i = 0; i < n; i++) {
        uint64_t first = 0, count = ranges;
        while (count) {
            uint64_t half = count / 2, k = first + half;
            int above = starts_high[k] > high[i] || (starts_high[k] == high[i] && starts_low[k] > low[i]);
            first = above ? first : k + 1;
            count = above ? half : count - half - 1;
        }
        int inside = first && (high[i] < ends_high[first - 1] ||
                               (high[i] == ends_high[first - 1] && low[i] <= ends_low[first - 1]));
        found[i] = inside ? (int32_t)(first - 1) : -1;
    }
}
