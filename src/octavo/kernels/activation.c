/* The activation of a feed-forward layer with dropout in the same pass, forward and backward:
 * silu(gate) * up * mask of fused projections to gate and up, or max(0, up) * mask. */

#include "thread_pool.h"
#include "simd.h"

typedef struct {
    long rows, width; /* of the output; width is a multiple of LANES */
    int is_bf16, gated;
    const void *gate_up;  /* (rows, 2 width): gate, then up; without a gate (rows, width): up */
    const void *mask;     /* (rows, width), or NULL */
    void *hidden;         /* (rows, width): the output; NULL in a backward pass */
    const void *d_hidden; /* as hidden */
    void *d_gate_up;      /* as gate_up */
} activation;

static void activate(long begin, long end, void *argument) {
    const activation *a = argument;
    const int is_bf16 = a->is_bf16;
    const long in_width = a->gated ? 2 * a->width : a->width;
    for (long row = begin; row < end; row++) {
        const long in = row * in_width, out = row * a->width;
        for (long i = 0; i < a->width; i += LANES) {
            const floats mask = a->mask ? load_any(a->mask, out + i, is_bf16) : broadcast(1);
            if (!a->gated) {
                const floats up = load_any(a->gate_up, in + i, is_bf16);
                const floats passed = a->hidden ? up : load_any(a->d_hidden, out + i, is_bf16);
                const floats result = where(up <= 0, broadcast(0), passed * mask); /* NaN stays NaN */
                if (a->hidden) store_any(a->hidden, out + i, result, is_bf16);
                else store_any(a->d_gate_up, in + i, result, is_bf16);
                continue;
            }
            const floats gate = load_any(a->gate_up, in + i, is_bf16);
            const floats up = load_any(a->gate_up, in + a->width + i, is_bf16);
            const floats sigmoid = 1.0f / (1.0f + exponential(-gate));
            if (a->hidden) {
                store_any(a->hidden, out + i, gate * sigmoid * up * mask, is_bf16);
                continue;
            }
            const floats gradient = load_any(a->d_hidden, out + i, is_bf16) * mask;
            store_any(a->d_gate_up, in + i, gradient * up * sigmoid * (1.0f + gate * (1.0f - sigmoid)), is_bf16);
            store_any(a->d_gate_up, in + a->width + i, gradient * gate * sigmoid, is_bf16);
        }
    }
}

/* Few rows take less time than waking a thread. */
void octavo_activation(activation *a, int threads) { parallel_for(a->rows, a->rows < 64 ? 1 : threads, activate, a); }
