/* Cross-entropy of rows of logits and, in the same pass, its gradient for the mean over rows. */

#include "thread_pool.h"
#include "simd.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    long rows, width;
    int is_bf16;
    const void *logits;     /* (rows, width) */
    const int64_t *targets; /* (rows), each below width */
    float *losses;          /* (rows), nats */
    void *d_logits;         /* as logits: the gradient of the mean loss; NULL if it is not needed */
    int failed;
} cross_entropy;

/* Load a vector of logits from column `i`; past the last column it is minus infinity. */
INLINE floats load_logits(const cross_entropy *c, long at, long i) {
    if (i + LANES <= c->width) return load_any(c->logits, at + i, c->is_bf16);
    float rest[LANES];
    for (long j = 0; j < LANES; j++) {
        uint32_t bits = 0;
        if (i + j < c->width && c->is_bf16) bits = (uint32_t)((const bf16 *)c->logits)[at + i + j] << 16;
        memcpy(rest + j, &bits, sizeof bits);
        if (!c->is_bf16 && i + j < c->width) rest[j] = ((const float *)c->logits)[at + i + j];
        if (i + j >= c->width) rest[j] = -INFINITY;
    }
    return load(rest);
}

INLINE void store_gradient(const cross_entropy *c, long at, long i, floats x) {
    if (i + LANES <= c->width) {
        store_any(c->d_logits, at + i, x, c->is_bf16);
        return;
    }
    bf16 halves[LANES];
    store_bf16(halves, x);
    for (long j = 0; i + j < c->width; j++)
        if (c->is_bf16) ((bf16 *)c->d_logits)[at + i + j] = halves[j];
        else ((float *)c->d_logits)[at + i + j] = x[j];
}

static void cross_entropy_rows(long begin, long end, void *argument) {
    cross_entropy *c = argument;
    const long padded = (c->width + LANES - 1) / LANES * LANES;
    float *powers = aligned_alloc(64, (padded * sizeof(float) + 63) / 64 * 64);
    if (!powers) {
        c->failed = 1;
        return;
    }
    for (long row = begin; row < end; row++) {
        const long at = row * c->width, target = c->targets[row], block = target / LANES * LANES;
        floats maxima = broadcast(-INFINITY);
        for (long i = 0; i < c->width; i += LANES) maxima = maximum(maxima, load_logits(c, at, i));
        const float top = reduce_maximum(maxima);
        floats total = broadcast(0);
        for (long i = 0; i < c->width; i += LANES) {
            const floats x = exponential(load_logits(c, at, i) - top);
            store(powers + i, x);
            total += x;
        }
        const float sum = reduce_sum(total), log_sum_exp = top + logf(sum);
        c->losses[row] = log_sum_exp - load_logits(c, at, block)[target - block];
        if (!c->d_logits) continue;
        const float row_weight = 1.0f / (float)c->rows;
        for (long i = 0; i < c->width; i += LANES) {
            floats x = load(powers + i) * (row_weight / sum);
            if (i == block) x[target - block] -= row_weight;
            store_gradient(c, at, i, x);
        }
    }
    free(powers);
}

/* Return 0, or -1 if memory could not be allocated. */
int octavo_cross_entropy(cross_entropy *c, int threads) {
    c->failed = 0;
    parallel_for(c->rows, threads, cross_entropy_rows, c);
    return -c->failed;
}
