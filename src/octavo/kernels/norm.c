/* Root-mean-square norm over rows, forward and backward: x / sqrt(mean(x^2) + epsilon) * weight. */

#include "thread_pool.h"
#include "simd.h"

#include <math.h>

typedef struct {
    long rows, width, stretches; /* width is a multiple of LANES */
    int half;                    /* bf16 and not fp32 */
    float epsilon;
    const float *weight; /* (width) */
    const void *x;       /* (rows, width) */
    void *y;             /* as x; none in a backward pass */
    const void *dy;      /* as x */
    void *dx;            /* as x */
    float *d_weight;     /* (stretches, width): a row for each stretch of rows, so that the sum is always the same */
} norm;

static float scale_of_row(const norm *n, long at) {
    floats total = all(0);
    for (long i = 0; i < n->width; i += LANES) {
        const floats x = load_any(n->x, at + i, n->half);
        total += x * x;
    }
    return 1.0f / sqrtf(sum(total) / (float)n->width + n->epsilon);
}

static void norm_forward(const norm *n, long at) {
    const floats scale = all(scale_of_row(n, at));
    for (long i = 0; i < n->width; i += LANES)
        store_any(n->y, at + i, load_any(n->x, at + i, n->half) * scale * load(n->weight + i), n->half);
}

static void norm_backward(const norm *n, long at, float *d_weight) {
    const floats scale = all(scale_of_row(n, at));
    floats along = all(0);
    for (long i = 0; i < n->width; i += LANES) {
        const floats normed = load_any(n->x, at + i, n->half) * scale, dy = load_any(n->dy, at + i, n->half);
        store(d_weight + i, load(d_weight + i) + dy * normed);
        along += dy * load(n->weight + i) * normed;
    }
    const floats mean = all(sum(along) / (float)n->width);
    for (long i = 0; i < n->width; i += LANES) {
        const floats normed = load_any(n->x, at + i, n->half) * scale;
        const floats dy = load_any(n->dy, at + i, n->half) * load(n->weight + i);
        store_any(n->dx, at + i, scale * (dy - normed * mean), n->half);
    }
}

static void norm_stretches(long begin, long end, void *with) {
    const norm *n = with;
    for (long stretch = begin; stretch < end; stretch++) {
        const long last = n->rows * (stretch + 1) / n->stretches;
        for (long row = n->rows * stretch / n->stretches; row < last; row++)
            if (n->y) norm_forward(n, row * n->width);
            else norm_backward(n, row * n->width, n->d_weight + stretch * n->width);
    }
}

/* Few rows are done before a thread has woken. */
void octavo_norm(norm *n, int threads) { share_out(n->stretches, n->rows < 64 ? 1 : threads, norm_stretches, n); }
