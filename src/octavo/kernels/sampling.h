/* From logits to a token: the twin of generate/sampling.py. */
#include "simd.h"

#include <math.h>

typedef struct {
    double temperature, top_p, min_p;
    int64_t top_k;
} sampling;

/* Room for a vocabulary, padded to whole vectors. */
typedef struct {
    int32_t *keys;
    double *edges; /* one a vector */
} pick_room;

enum { ONE = 0x3F800000, INFINITE = 0x7F800000 }; /* their bits as floats */

static float as_float(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* How much keys above `key` weigh together: 1 each, or as much as the number whose bits the key is. */
static float above(const void *keys, int64_t n, int32_t key, int counted) {
    floats parts[4] = {all(0), all(0), all(0), all(0)};
    for (int64_t i = 0; i < n; i += 4 * LANES)
        for (int64_t j = 0; j < 4 && i + j * LANES < n; j++) {
            const ints k = load_ints((const int32_t *)keys + i + j * LANES);
            parts[j] += choose(k > key, counted ? all(1) : (floats)k, all(0));
        }
    return sum((parts[0] + parts[1]) + (parts[2] + parts[3]));
}

/* Let p be 0 but for the likeliest, in the order of their keys, which are above `low` and up to `high`: each stays if
 * what comes before it weighs less than `limit`. Of equal keys the first comes first. Nothing is sorted: the last key
 * that stays is found by halving. */
static void keep_likeliest(const void *keys, int32_t low, int32_t high, int counted, float limit, float *p,
                           int64_t n) {
    float with = INFINITY, before = 0; /* what is above low weighs, and what is above high */
    while (high - low > 1) {
        const float lightest = counted ? 1 : as_float(low); /* of what is between */
        if (lightest > 1e-5f && with - before < 1.5f * lightest) break; /* only one is */
        const int32_t middle = low + (high - low) / 2;
        const float heavier = above(keys, n, middle, counted);
        if (heavier < limit) {
            high = middle, before = heavier;
        } else {
            low = middle, with = heavier;
        }
    }
    for (int64_t i = 0; i < n; i += LANES) {
        const ints kept = load_ints((const int32_t *)keys + i) > low;
        store(p + i, choose(kept, load(p + i), all(0)));
    }
    const float each = counted ? 1 : as_float(high);
    if (with - before < 1.5f * each) return;
    for (int64_t i = 0; i < n; i++) { /* some have the same key */
        int32_t key;
        memcpy(&key, (const int32_t *)keys + i, sizeof key);
        if (key != high) continue;
        if (before >= limit) p[i] = 0;
        before += each;
    }
}

static int32_t likeliest(const float *logits, int64_t n, float top) {
    for (int64_t i = 0; i < n; i++)
        if (logits[i] == top) return (int32_t)i;
    return 0; /* no number is the largest where one is not a number */
}

/* The token in whose share of p the uniform falls. */
static int32_t in_share(const float *p, int64_t n, double uniform, double *edges) {
    typedef float part __attribute__((vector_size(16)));
    typedef double doubles __attribute__((vector_size(32)));
    double total = 0;
    for (int64_t i = 0; i < n; i += LANES) {
        doubles d = {0};
        for (int64_t j = 0; j < LANES; j += 4) {
            part four;
            memcpy(&four, p + i + j, sizeof four);
            d += __builtin_convertvector(four, doubles);
        }
        total += (d[0] + d[1]) + (d[2] + d[3]);
        edges[i / LANES] = total;
    }
    const double target = uniform * total;
    int64_t i = 0;
    while (i < n - LANES && !(edges[i / LANES] > target)) i += LANES;
    double edge = i ? edges[i / LANES - 1] : 0;
    for (; i < n; i++)
        if (p[i] > 0 && (edge += p[i]) > target) return (int32_t)i;
    while (--i > 0 && !(p[i] > 0)) continue; /* rounding: the last that can be */
    return (int32_t)i;
}

/* A token from logits [n, padded to whole vectors], which are written over. */
static int32_t pick(const sampling *how, float *logits, int64_t n, double uniform, const pick_room *room) {
    int64_t padded = n;
    for (; padded % LANES; padded++) logits[padded] = -INFINITY;
    floats most = all(-INFINITY);
    for (int64_t i = 0; i < padded; i += LANES) most = larger(most, load(logits + i));
    const float top = largest(most), cooled = (float)(1 / how->temperature);
    if (how->temperature < 1e-6) return likeliest(logits, n, top);
    const int cut = 0 < how->top_k && how->top_k < n;
    floats totals = all(0);
    for (int64_t i = 0; i < padded; i += LANES) {
        const floats below = (load(logits + i) - top) * cooled; /* 0 or less, so its bits order it backwards */
        if (cut) store_ints(room->keys + i, -((ints)below & INT32_MAX));
        const floats share = exponential(below);
        store(logits + i, share);
        totals += share;
    }
    float *p = logits;
    if (cut) {
        keep_likeliest(room->keys, -INFINITE - 1, 0, 1, (float)how->top_k, p, padded);
        totals = all(0);
        for (int64_t i = 0; i < padded; i += LANES) totals += load(p + i);
    }
    if (how->top_p < 1) {
        const float total = sum(totals);
        for (int64_t i = 0; i < padded; i += LANES) {
            store(p + i, load(p + i) / total);
        }
        keep_likeliest(p, -1, ONE, 0, (float)how->top_p, p, padded); /* not below 0, so their bits order them */
    }
    if (how->min_p > 0) {
        floats high = all(0);
        for (int64_t i = 0; i < padded; i += LANES) high = larger(high, load(p + i));
        const float least = (float)how->min_p * largest(high);
        for (int64_t i = 0; i < padded; i += LANES) store(p + i, choose(load(p + i) < least, all(0), load(p + i)));
    }
    return in_share(p, padded, uniform, room->edges);
}

/* One token, as within octavo_decode: for the tests. */
int octavo_pick(const sampling *how, float *logits, int64_t n, double uniform, int32_t *keys,
                double *edges) {
    const pick_room room = {keys, edges};
    return pick(how, logits, n, uniform, &room);
}
