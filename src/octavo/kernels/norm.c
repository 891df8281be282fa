/* Root-mean-square norm of rows, forward and backward: x / sqrt(mean(x^2) + epsilon) * weight. */

#include "thread_pool.h"
#include "simd.h"

#include <math.h>

typedef struct {
    long rows, width, chunks; /* width is a multiple of LANES */
    int is_bf16;              /* else fp32 */
    float epsilon;
    const float *weight; /* (width) */
    const void *x;       /* (rows, width) */
    void *y;             /* as x; NULL in a backward pass */
    const void *dy;      /* as x */
    void *dx;            /* as x */
    float *d_weight;     /* (chunks, width): one sum a chunk of rows, whatever the number of threads */
} norm;

static float scale_of_row(const norm *n, long at) {
    floats total = broadcast(0);
    for (long i = 0; i < n->width; i += LANES) {
        const floats x = load_any(n->x, at + i, n->is_bf16);
        total += x * x;
    }
    return 1.0f / sqrtf(reduce_sum(total) / (float)n->width + n->epsilon);
}

static void norm_forward(const norm *n, long at) {
    const floats scale = broadcast(scale_of_row(n, at));
    for (long i = 0; i < n->width; i += LANES)
        store_any(n->y, at + i, load_any(n->x, at + i, n->is_bf16) * scale * load(n->weight + i), n->is_bf16);
}

static void norm_backward(const norm *n, long at, float *d_weight) {
    const floats scale = broadcast(scale_of_row(n, at));
    floats projection = broadcast(0); /* of the gradient on the normed row */
    for (long i = 0; i < n->width; i += LANES) {
        const floats normed = load_any(n->x, at + i, n->is_bf16) * scale, dy = load_any(n->dy, at + i, n->is_bf16);
        store(d_weight + i, load(d_weight + i) + dy * normed);
        projection += dy * load(n->weight + i) * normed;
    }
    const floats mean = broadcast(reduce_sum(projection) / (float)n->width);
    for (long i = 0; i < n->width; i += LANES) {
        const floats normed = load_any(n->x, at + i, n->is_bf16) * scale;
        const floats dy = load_any(n->dy, at + i, n->is_bf16) * load(n->weight + i);
        store_any(n->dx, at + i, scale * (dy - normed * mean), n->is_bf16);
    }
}

static void norm_chunks(long begin, long end, void *argument) {
    const norm *n = argument;
    for (long chunk = begin; chunk < end; chunk++) {
        const long last = n->rows * (chunk + 1) / n->chunks;
        for (long row = n->rows * chunk / n->chunks; row < last; row++)
            if (n->y) norm_forward(n, row * n->width);
            else norm_backward(n, row * n->width, n->d_weight + chunk * n->width);
    }
}

/* Few rows take less time than waking a thread. */
void octavo_norm(norm *n, int threads) { parallel_for(n->chunks, n->rows < 64 ? 1 : threads, norm_chunks, n); }
