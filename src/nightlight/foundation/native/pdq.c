/* SPDX-License-Identifier: Apache-2.0 */
/* PDQ fingerprints of grey pictures. Says the same, bit for bit, as the numpy path of foundation/pdq.py, where the
   method and its source are described. */

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "processors.h"

enum { GRID = 64, SIDE = 16, BITS = SIDE * SIDE, TURNS = 8, SMALLEST = 5, LANES = 16 };

typedef double eight __attribute__((vector_size(8 * sizeof(double))));

/* What is smaller than this is rounding, not picture: both paths cut it off and so agree. */
static double cut(double value) { return rint(value * 1048576.0) / 1048576.0; }

/* Two rows of the operator that look at about the same pieces, first .. first + count - 1: the row of one place, and
   the row of the opposite place (GRID - 1 - place) of the mirrored side. Their weights stand in turns. */
struct band {
    int64_t first, count;
    double *weights;
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Where the window of one place lies: its middle, and the pixels first .. last that two blurs carry into it. */
struct span {
    int64_t left, right, centre, first, last;
};

static struct span span_of(int64_t length, int place) {
    int64_t window = (length + 2 * GRID - 1) / (2 * GRID), right = (window + 2) / 2 - 1, left = window - 1 - right;
    int64_t centre = (int64_t)((place + 0.5) * (double)length / GRID);
    return (struct span){left, right, centre, most(0, centre - 2 * left), least(length - 1, centre + 2 * right)};
}

/* Two box blurs and the choice of 64 places, along a side of `length` pixels of which blocks of `scale` were made; and
   the same along the side mirrored, told in the blocks of the side as it stands (the last one may be cut short). */
static double *operator_of(int64_t length, int64_t scale, struct band bands[GRID]) {
    int64_t room = 0, reach = 0, shift = 0;
    while (scale >> shift > 1) shift++; /* scale is a power of two, and dividing is slow */
    for (int place = 0; place < GRID; place++) {
        struct span here = span_of(length, place), opposite = span_of(length, GRID - 1 - place);
        int64_t first = least(here.first, length - 1 - opposite.last) >> shift;
        bands[place].first = first;
        bands[place].count = (most(here.last, length - 1 - opposite.first) >> shift) - first + 1;
        room += 2 * bands[place].count;
        reach = most(reach, here.last - here.first + 2); /* no window is longer, and one step more ends it */
    }
    double *weights = calloc((size_t)(room + reach), sizeof *weights);
    if (weights == NULL) return NULL;
    double *next = weights, *steps = weights + room;
    for (int place = 0; place < GRID; place++) {
        bands[place].weights = next;
        next += 2 * bands[place].count;
    }
    for (int place = 0; place < GRID; place++) {
        struct band *band = &bands[place], *opposite = &bands[GRID - 1 - place];
        struct span span = span_of(length, place);
        int64_t from = most(0, span.centre - span.left), to = least(length - 1, span.centre + span.right);
        memset(steps, 0, (size_t)reach * sizeof *steps);
        for (int64_t middle = from; middle <= to; middle++) {
            int64_t low = most(0, middle - span.left), high = least(length - 1, middle + span.right);
            double share = 1.0 / (double)(to - from + 1) / (double)(high - low + 1);
            steps[low - span.first] += share; /* a step up where the second blur begins, and down behind its end */
            steps[high - span.first + 1] -= share;
        }
        double weight = 0;
        for (int64_t pixel = span.first; pixel <= span.last; pixel++) {
            weight += steps[pixel - span.first];
            band->weights[2 * ((pixel >> shift) - band->first)] += weight;
            opposite->weights[2 * (((length - 1 - pixel) >> shift) - opposite->first) + 1] += weight;
        }
    }
    return weights;
}

/* Adds four lines to two sums at once, so that each line is read and converted once. weights: four pairs. */
NL_EVERY_PROCESSOR
static void add_bytes(double *restrict sums, double *restrict others, const uint8_t *const lines[4], int64_t width,
                      const double weights[8]) {
    const uint8_t *restrict one = lines[0], *restrict two = lines[1];
    const uint8_t *restrict three = lines[2], *restrict four = lines[3];
    double a = weights[0], b = weights[2], c = weights[4], d = weights[6];
    double e = weights[1], f = weights[3], g = weights[5], h = weights[7];
    for (int64_t x = 0; x < width; x++) {
        sums[x] += a * one[x] + b * two[x] + c * three[x] + d * four[x];
        others[x] += e * one[x] + f * two[x] + g * three[x] + h * four[x];
    }
}

static void add_fine(double *restrict sums, double *restrict others, const double *restrict line, int64_t width,
                     const double weights[2]) {
    for (int64_t x = 0; x < width; x++) sums[x] += weights[0] * line[x], others[x] += weights[1] * line[x];
}

/* The lines of one band of the picture, blurred down: as it stands into `sums`, mirrored into `others`. */
static void add_band(double *sums, double *others, const void *luma, int fine, int64_t width, const struct band *band) {
    memset(sums, 0, (size_t)width * sizeof *sums);
    memset(others, 0, (size_t)width * sizeof *others);
    if (fine) {
        const double *lines = (const double *)luma + band->first * width;
        for (int64_t line = 0; line < band->count; line++)
            add_fine(sums, others, lines + line * width, width, band->weights + 2 * line);
        return;
    }
    for (int64_t line = 0; line < band->count; line += 4) {
        const uint8_t *four[4];
        double weights[8] = {0};
        int64_t there = least(4, band->count - line);
        memcpy(weights, band->weights + 2 * line, (size_t)there * 2 * sizeof *weights);
        for (int64_t at = 0; at < 4; at++) /* what is not there weighs nothing: any line will do */
            four[at] = (const uint8_t *)luma + (band->first + line + (at < there ? at : 0)) * width;
        add_bytes(sums, others, four, width, weights);
    }
}

/* LANES lines side by side, so that what follows does the same to all of them. */
NL_EVERY_PROCESSOR
static void lay_out(const double *restrict lines, double *restrict lanes, int64_t width) {
    for (int64_t x = 0; x < width; x++)
        for (int lane = 0; lane < LANES; lane++) lanes[x * LANES + lane] = lines[lane * width + x];
}

/* One band across: the weighted sums of LANES lines, as they stand and mirrored. */
NL_EVERY_PROCESSOR
static void add_across(const struct band *band, const double *lanes, double *sums, double *others) {
    eight one = {0}, two = {0}, three = {0}, four = {0};
    for (int64_t at = 0; at < band->count; at++) {
        eight here, there;
        memcpy(&here, lanes + (band->first + at) * LANES, sizeof here);
        memcpy(&there, lanes + (band->first + at) * LANES + LANES / 2, sizeof there);
        double weight = band->weights[2 * at], mirrored = band->weights[2 * at + 1];
        one += weight * here, two += weight * there;
        three += mirrored * here, four += mirrored * there;
    }
    memcpy(sums, &one, sizeof one), memcpy(sums + LANES / 2, &two, sizeof two);
    memcpy(others, &three, sizeof three), memcpy(others + LANES / 2, &four, sizeof four);
}

/* Cuts off rounding everywhere; returns whether all are numbers. */
NL_EVERY_PROCESSOR
static int cut_all(double *values, int count) {
    int odd = 0;
    for (int at = 0; at < count; at++) {
        odd |= !(fabs(values[at]) <= DBL_MAX);
        values[at] = cut(values[at]);
    }
    return !odd;
}

static int quality_of(double grid[GRID][GRID]) {
    double sum = 0;
    for (int row = 0; row < GRID; row++)
        for (int column = 0; column < GRID; column++) {
            if (row + 1 < GRID) sum += fabs(trunc((grid[row][column] - grid[row + 1][column]) * 100 / 255));
            if (column + 1 < GRID) sum += fabs(trunc((grid[row][column] - grid[row][column + 1]) * 100 / 255));
        }
    return sum >= 9000 ? 100 : (int)(sum / 90);
}

static void cosines_of(double cosine[SIDE][GRID], double turned[GRID][SIDE]) {
    double circle[4 * GRID]; /* all angles that occur */
    for (int step = 0; step < 4 * GRID; step++) circle[step] = sqrt(2.0 / GRID) * cos(M_PI / (2 * GRID) * step);
    for (int wave = 0; wave < SIDE; wave++)
        for (int place = 0; place < GRID; place++)
            cosine[wave][place] = turned[place][wave] = circle[(wave + 1) * (2 * place + 1) % (4 * GRID)];
}

/* The slowest waves of a grid; their directions in the order of its sides. */
NL_EVERY_PROCESSOR
static void waves_of(double grid[GRID][GRID], double cosine[SIDE][GRID], double turned[GRID][SIDE],
                     double waves[SIDE][SIDE]) {
    for (int one = 0; one < SIDE; one++) {
        double half[GRID] = {0}, wave[SIDE] = {0};
        for (int place = 0; place < GRID; place++)
            for (int at = 0; at < GRID; at++) half[at] += cosine[one][place] * grid[place][at];
        for (int at = 0; at < GRID; at++)
            for (int other = 0; other < SIDE; other++) wave[other] += half[at] * turned[at][other];
        for (int other = 0; other < SIDE; other++) waves[one][other] = cut(wave[other]);
    }
}

/* The value that stands at `place` when all are sorted (C. A. R. Hoare, "Find", 1961). Changes their order. */
static double find(double *values, int place) {
    int low = 0, high = BITS - 1;
    while (low < high) {
        double middle = values[(low + high) / 2];
        int up = low, down = high;
        while (up <= down) {
            while (values[up] < middle) up++;
            while (values[down] > middle) down--;
            if (up <= down) {
                double kept = values[up];
                values[up++] = values[down];
                values[down--] = kept;
            }
        }
        if (place <= down) high = down;
        else if (place >= up) low = up;
        else break;
    }
    return values[place];
}

/* waves: [across][down]. Bit 255 comes first: the highest bit of the first byte. `transposed`: the sides change
   places. */
static void write_bits(double waves[SIDE][SIDE], double median, int transposed, uint8_t *hash) {
    memset(hash, 0, BITS / 8);
    for (int bit = 0; bit < BITS; bit++) {
        int down = bit / SIDE, across = bit % SIDE;
        if ((transposed ? waves[down][across] : waves[across][down]) > median)
            hash[(BITS - 1 - bit) / 8] |= (uint8_t)(1 << (bit % 8));
    }
}

/* Where the hash of each picture stands among the eight, by [upside down][mirrored][and then transposed]. */
static const int STANDS[2][2][2] = {{{0, 6}, {5, 1}}, {{4, 3}, {2, 7}}};

/* luma: lines of `width` bytes (of doubles, if `fine`), made of length_x * length_y pixels by averaging blocks of
   scale * scale. hashes: room for 8 * 32 bytes. Returns the quality, 0 .. 100; -1 if there is no memory, -2 if
   something is not a number. */
int nl_pdq_hashes(const void *luma, int fine, int64_t width, int64_t length_x, int64_t length_y, int64_t scale,
                  uint8_t *hashes) {
    struct band downs[GRID], acrosses[GRID];
    double grids[2][2][GRID][GRID], cosine[SIDE][GRID], turned[GRID][SIDE]; /* [upside down][mirrored][column][row] */
    memset(hashes, 0, TURNS * BITS / 8);
    if (length_x < SMALLEST || length_y < SMALLEST) return 0;
    double *down = operator_of(length_y, scale, downs), *across = operator_of(length_x, scale, acrosses);
    size_t room = (size_t)width * LANES * sizeof(double);
    double *lines = malloc(room), *lanes = malloc(room);
    if (down == NULL || across == NULL || lines == NULL || lanes == NULL) {
        free(down), free(across), free(lines), free(lanes);
        return -1;
    }
    for (int row = 0; row < GRID; row += LANES / 2) {
        int opposite = GRID - LANES / 2 - row; /* the rows that look at the same lines when all is upside down */
        for (int at = 0; at < LANES / 2; at++)
            add_band(lines + at * width, lines + (LANES - 1 - at) * width, luma, fine, width, &downs[row + at]);
        lay_out(lines, lanes, width);
        for (int column = 0; column < GRID; column++) {
            double sums[LANES], others[LANES];
            add_across(&acrosses[column], lanes, sums, others);
            memcpy(&grids[0][0][column][row], sums, sizeof sums / 2);
            memcpy(&grids[1][0][column][opposite], sums + LANES / 2, sizeof sums / 2);
            memcpy(&grids[0][1][GRID - 1 - column][row], others, sizeof others / 2);
            memcpy(&grids[1][1][GRID - 1 - column][opposite], others + LANES / 2, sizeof others / 2);
        }
    }
    free(down), free(across), free(lines), free(lanes);
    if (!cut_all(grids[0][0][0], 4 * GRID * GRID)) return -2;
    cosines_of(cosine, turned);
    for (int over = 0; over < 2; over++)
        for (int side = 0; side < 2; side++) {
            double waves[SIDE][SIDE], values[BITS];
            waves_of(grids[over][side], cosine, turned, waves);
            memcpy(values, waves, sizeof values);
            double median = find(values, BITS / 2 - 1);
            for (int transposed = 0; transposed < 2; transposed++)
                write_bits(waves, median, transposed, hashes + STANDS[over][side][transposed] * BITS / 8);
        }
    return quality_of(grids[0][0]);
}
