/* Cross-entropy of rows of logits against targets and, in the same pass, its gradient for the mean over rows. */

#include "thread_pool.h"
#include "simd.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    long rows, width;
    int half;
    const void *logits;     /* (rows, width) */
    const int64_t *targets; /* (rows), each below width */
    float *losses;          /* (rows), nats */
    void *d_logits;         /* as logits: of the mean of all losses; none if it is not asked for */
    int failed;
} cross_entropy;

/* Logits from `i` on; after the last, minus infinity. */
INLINE floats some_logits(const cross_entropy *c, long at, long i) {
    if (i + LANES <= c->width) return load_any(c->logits, at + i, c->half);
    float rest[LANES];
    for (long j = 0; j < LANES; j++) {
        uint32_t bits = 0;
        if (i + j < c->width && c->half) bits = (uint32_t)((const bf16 *)c->logits)[at + i + j] << 16;
        memcpy(rest + j, &bits, sizeof bits);
        if (!c->half && i + j < c->width) rest[j] = ((const float *)c->logits)[at + i + j];
        if (i + j >= c->width) rest[j] = -INFINITY;
    }
    return load(rest);
}

INLINE void keep_some(const cross_entropy *c, long at, long i, floats x) {
    if (i + LANES <= c->width) {
        store_any(c->d_logits, at + i, x, c->half);
        return;
    }
    bf16 halves[LANES];
    store_bf16(halves, x);
    for (long j = 0; i + j < c->width; j++)
        if (c->half) ((bf16 *)c->d_logits)[at + i + j] = halves[j];
        else ((float *)c->d_logits)[at + i + j] = x[j];
}

static void judge(long begin, long end, void *with) {
    cross_entropy *c = with;
    const long filled = (c->width + LANES - 1) / LANES * LANES;
    float *powers = aligned_alloc(64, (filled * sizeof(float) + 63) / 64 * 64);
    if (!powers) {
        c->failed = 1;
        return;
    }
    for (long row = begin; row < end; row++) {
        const long at = row * c->width, target = c->targets[row], block = target / LANES * LANES;
        floats most = all(-INFINITY);
        for (long i = 0; i < c->width; i += LANES) most = larger(most, some_logits(c, at, i));
        const float highest = largest(most);
        floats total = all(0);
        for (long i = 0; i < c->width; i += LANES) {
            const floats x = exponential(some_logits(c, at, i) - highest);
            store(powers + i, x);
            total += x;
        }
        const float whole = sum(total), log_sum = highest + logf(whole);
        c->losses[row] = log_sum - some_logits(c, at, block)[target - block];
        if (!c->d_logits) continue;
        const float share = 1.0f / (float)c->rows;
        for (long i = 0; i < c->width; i += LANES) {
            floats x = load(powers + i) * (share / whole);
            if (i == block) x[target - block] -= share;
            keep_some(c, at, i, x);
        }
    }
    free(powers);
}

/* 0, or -1 if there was no memory. */
int octavo_cross_entropy(cross_entropy *c, int threads) {
    c->failed = 0;
    share_out(c->rows, threads, judge, c);
    return -c->failed;
}
