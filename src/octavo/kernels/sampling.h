/* Sampling of a token from logits, with the filters of generate/decoding.py. */
#include "simd.h"

#include <math.h>

typedef struct {
    double temperature, top_p, min_p;
    int64_t top_k;
} sampling;

/* Buffers for a vocabulary that is padded to whole vectors. */
typedef struct {
    int32_t *keys;
    double *edges; /* cumulative probability at the end of each vector */
} sample_scratch;

enum { ONE_BITS = 0x3F800000, INFINITY_BITS = 0x7F800000 }; /* of 1.0f and of infinity */

static float float_of_bits(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Sum of the weights of all keys above `key`. A weight is 1 if `counted`, else the float whose bits the key is. */
static float weight_above(const void *keys, int64_t n, int32_t key, int counted) {
    floats parts[4] = {broadcast(0), broadcast(0), broadcast(0), broadcast(0)};
    for (int64_t i = 0; i < n; i += 4 * LANES)
        for (int64_t j = 0; j < 4 && i + j * LANES < n; j++) {
            const ints k = load_ints((const int32_t *)keys + i + j * LANES);
            parts[j] += where(k > key, counted ? broadcast(1) : (floats)k, broadcast(0));
        }
    return reduce_sum((parts[0] + parts[1]) + (parts[2] + parts[3]));
}

/* Set p to 0 for all but the tokens with the largest keys. A token is kept if the weights of those before it sum to
 * less than `limit`. All keys are above `low` and at most `high`. Of equal keys, that of the first token comes first.
 * Nothing is sorted: the smallest key that is kept is found by bisection. */
static void keep_top(const void *keys, int32_t low, int32_t high, int counted, float limit, float *p,
                           int64_t n) {
    float above_low = INFINITY, above_high = 0; /* the weight of keys above low, and above high */
    while (high - low > 1) {
        const float smallest = counted ? 1 : float_of_bits(low); /* weight of a key between low and high */
        if (smallest > 1e-5f && above_low - above_high < 1.5f * smallest) break; /* there is only one */
        const int32_t middle = low + (high - low) / 2;
        const float weight = weight_above(keys, n, middle, counted);
        if (weight < limit) {
            high = middle, above_high = weight;
        } else {
            low = middle, above_low = weight;
        }
    }
    for (int64_t i = 0; i < n; i += LANES) {
        const ints is_kept = load_ints((const int32_t *)keys + i) > low;
        store(p + i, where(is_kept, load(p + i), broadcast(0)));
    }
    const float each = counted ? 1 : float_of_bits(high);
    if (above_low - above_high < 1.5f * each) return;
    for (int64_t i = 0; i < n; i++) { /* several tokens have the key high */
        int32_t key;
        memcpy(&key, (const int32_t *)keys + i, sizeof key);
        if (key != high) continue;
        if (above_high >= limit) p[i] = 0;
        above_high += each;
    }
}

static int32_t argmax(const float *logits, int64_t n, float top) {
    for (int64_t i = 0; i < n; i++)
        if (logits[i] == top) return (int32_t)i;
    return 0; /* no logit equals the maximum where one is NaN */
}

/* The first token whose cumulative probability exceeds `uniform`, of p that need not sum to 1. */
static int32_t inverse_cdf(const float *p, int64_t n, double uniform, double *edges) {
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
    while (--i > 0 && !(p[i] > 0)) continue; /* after rounding: the last possible token */
    return (int32_t)i;
}

/* Sample a token from logits [n, padded to whole vectors], which are overwritten. */
static int32_t sample_token(const sampling *config, float *logits, int64_t n, double uniform,
                            const sample_scratch *scratch) {
    int64_t padded = n;
    for (; padded % LANES; padded++) logits[padded] = -INFINITY;
    floats maxima = broadcast(-INFINITY);
    for (int64_t i = 0; i < padded; i += LANES) maxima = maximum(maxima, load(logits + i));
    const float top = reduce_maximum(maxima), inverse_temperature = (float)(1 / config->temperature);
    if (config->temperature < 1e-6) return argmax(logits, n, top);
    const int use_top_k = 0 < config->top_k && config->top_k < n;
    floats totals = broadcast(0);
    for (int64_t i = 0; i < padded; i += LANES) {
        /* At most 0, so that its bits order it in reverse. */
        const floats scaled = (load(logits + i) - top) * inverse_temperature;
        if (use_top_k) store_ints(scratch->keys + i, -((ints)scaled & INT32_MAX));
        const floats power = exponential(scaled);
        store(logits + i, power);
        totals += power;
    }
    float *p = logits;
    if (use_top_k) {
        keep_top(scratch->keys, -INFINITY_BITS - 1, 0, 1, (float)config->top_k, p, padded);
        totals = broadcast(0);
        for (int64_t i = 0; i < padded; i += LANES) totals += load(p + i);
    }
    if (config->top_p < 1) {
        const float total = reduce_sum(totals);
        for (int64_t i = 0; i < padded; i += LANES) {
            store(p + i, load(p + i) / total);
        }
        keep_top(p, -1, ONE_BITS, 0, (float)config->top_p, p, padded); /* at least 0, so their bits order them */
    }
    if (config->min_p > 0) {
        floats maxima_of_p = broadcast(0);
        for (int64_t i = 0; i < padded; i += LANES) maxima_of_p = maximum(maxima_of_p, load(p + i));
        const float threshold = (float)config->min_p * reduce_maximum(maxima_of_p);
        for (int64_t i = 0; i < padded; i += LANES)
            store(p + i, where(load(p + i) < threshold, broadcast(0), load(p + i)));
    }
    return inverse_cdf(p, padded, uniform, scratch->edges);
}

/* Sample one token as octavo_decode does. */
int octavo_sample(const sampling *config, float *logits, int64_t n, double uniform, int32_t *keys, double *edges) {
    const sample_scratch scratch = {keys, edges};
    return sample_token(config, logits, n, uniform, &scratch);
}
