/* What a feed-forward layer does between its products, with dropout in the same pass, forward and backward:
 * silu(gate) * up * mask from gate and up side by side, or max(0, up) * mask. */

#include "thread_pool.h"
#include "simd.h"

typedef struct {
    long rows, width; /* of what comes out; a multiple of LANES */
    int half, gated;
    const void *joined;   /* (rows, 2 width): gate, then up; or without gate (rows, width) */
    const void *mask;     /* (rows, width), or none */
    void *hidden;         /* (rows, width); none in a backward pass */
    const void *d_hidden; /* as hidden */
    void *d_joined;       /* as joined */
} activation;

static void activate(long begin, long end, void *with) {
    const activation *a = with;
    const int half = a->half;
    const long across = a->gated ? 2 * a->width : a->width;
    for (long row = begin; row < end; row++) {
        const long in = row * across, out = row * a->width;
        for (long i = 0; i < a->width; i += LANES) {
            const floats kept = a->mask ? load_any(a->mask, out + i, half) : all(1);
            if (!a->gated) {
                const floats up = load_any(a->joined, in + i, half);
                const floats through = a->hidden ? up : load_any(a->d_hidden, out + i, half);
                const floats made = choose(up <= 0, all(0), through * kept); /* what is no number stays none */
                if (a->hidden) store_any(a->hidden, out + i, made, half);
                else store_any(a->d_joined, in + i, made, half);
                continue;
            }
            const floats gate = load_any(a->joined, in + i, half), up = load_any(a->joined, in + a->width + i, half);
            const floats open = 1.0f / (1.0f + exponential(-gate));
            if (a->hidden) {
                store_any(a->hidden, out + i, gate * open * up * kept, half);
                continue;
            }
            const floats gradient = load_any(a->d_hidden, out + i, half) * kept;
            store_any(a->d_joined, in + i, gradient * up * open * (1.0f + gate * (1.0f - open)), half);
            store_any(a->d_joined, in + a->width + i, gradient * gate * open, half);
        }
    }
}

/* Few rows are done before a thread has woken. */
void octavo_activation(activation *a, int threads) { share_out(a->rows, a->rows < 64 ? 1 : threads, activate, a); }
