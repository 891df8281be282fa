/* Causal attention over windows, forward and backward, from the fused projections to the outputs of the heads.
 *
 * T positions of a window, H query heads, G key/value heads, K values per head (a multiple of 32). A row of `qkv`
 * holds H query heads, then G key heads, then G value heads. Queries and keys may be normed (root mean square) and
 * rotated (rotary positions, halves layout) on the way. All arithmetic is fp32. No T x T matrix is kept: the backward
 * pass recomputes the pattern from the log-sum-exp of each row (as in FlashAttention, Dao et al., 2022). One task is
 * one key/value head of one window with the query heads that share it: it fits into the L2 cache.
 */

#include "thread_pool.h"
#include "simd.h"

#include <math.h>
#include <stdlib.h>

#define ROWS (LANES / 2) /* queries that are computed together: two sums each fill half of the registers */

typedef struct {
    long positions, heads, kv_heads, width; /* T, H, G, K */
    int is_bf16;                            /* else fp32 */
    float epsilon;
    const float *q_norm, *k_norm; /* (K), or NULL */
    const float *cosines, *sines; /* (T, K/2), or NULL */
    const void *qkv;              /* (windows, T, (H + 2G) K) */
    void *attn_out;               /* (windows, T, H K) */
    float *lse;                   /* (windows, H, T): log-sum-exp of each row of scores */
    const void *d_attn_out;       /* as attn_out; NULL in a forward pass */
    void *d_qkv;                  /* as qkv */
    float *d_q_norm, *d_k_norm;   /* (windows G, K): a row for each task */
    int failed;
} attention;

/* The buffers of one thread. T' is T padded to a multiple of LANES. */
typedef struct {
    float *q, *k, *v, *o, *do_, *dq, *dk, *dv; /* (T', K) */
    float *k_columns, *v_columns;              /* (K, T') */
    float *pattern, *d_pattern;                /* (ROWS, T') */
    float *row;                                /* (2 K) */
} scratch;

static long padded(long positions) { return (positions + LANES - 1) / LANES * LANES; }

/* Return the memory that the buffers of `d` are in, or NULL. */
static void *allocate_scratch(scratch *d, long positions, long width) {
    const long rows = padded(positions), block = rows * width;
    float *memory = aligned_alloc(64, sizeof(float) * (10 * block + 2 * ROWS * rows + 2 * width));
    if (!memory) return NULL;
    float **buffers[] = {&d->q,  &d->k,  &d->v,         &d->o,        &d->do_,
                       &d->dq, &d->dk, &d->dv,        &d->k_columns, &d->v_columns};
    for (int i = 0; i < 10; i++) *buffers[i] = memory + i * block;
    d->pattern = memory + 10 * block, d->d_pattern = d->pattern + ROWS * rows, d->row = d->d_pattern + ROWS * rows;
    memset(memory, 0, sizeof(float) * 10 * block); /* padding must be finite to count for nothing */
    return memory;
}

/* Copy a row to fp32, and back. */
static void read_row(float *to, const void *from, long at, long width, int is_bf16) {
    for (long i = 0; i < width; i += LANES) store(to + i, load_any(from, at + i, is_bf16));
}

static void write_row(void *to, long at, const float *from, long width, int is_bf16) {
    for (long i = 0; i < width; i += LANES) store_any(to, at + i, load(from + i), is_bf16);
}

static float dot(const float *a, const float *b, long width) {
    floats total = broadcast(0);
    for (long i = 0; i < width; i += LANES) total += load(a + i) * load(b + i);
    return reduce_sum(total);
}

static float scale_of(const float *x, long width, float epsilon) {
    return 1.0f / sqrtf(dot(x, x, width) / (float)width + epsilon);
}

/* Read one head's row of q or k, with its norm and its rotation applied. */
static void qk_forward(const attention *a, float *to, long at, long position, const float *norm) {
    const long width = a->width, half_width = width / 2;
    read_row(to, a->qkv, at, width, a->is_bf16);
    if (norm) {
        const floats scale = broadcast(scale_of(to, width, a->epsilon));
        for (long i = 0; i < width; i += LANES) store(to + i, load(to + i) * scale * load(norm + i));
    }
    if (a->cosines) {
        const float *c = a->cosines + position * half_width, *s = a->sines + position * half_width;
        for (long i = 0; i < half_width; i += LANES) {
            const floats left = load(to + i), right = load(to + half_width + i);
            store(to + i, left * load(c + i) - right * load(s + i));
            store(to + half_width + i, right * load(c + i) + left * load(s + i));
        }
    }
}

/* Write to d_qkv the gradient of the row that `qk_forward` read, from the gradient `g` of its result. */
static void qk_backward(const attention *a, float *g, float *x, long at, long position, const float *norm,
                        float *d_norm) {
    const long width = a->width, half_width = width / 2;
    if (a->cosines) {
        const float *c = a->cosines + position * half_width, *s = a->sines + position * half_width;
        for (long i = 0; i < half_width; i += LANES) {
            const floats left = load(g + i), right = load(g + half_width + i);
            store(g + i, left * load(c + i) + right * load(s + i));
            store(g + half_width + i, right * load(c + i) - left * load(s + i));
        }
    }
    if (norm) {
        read_row(x, a->qkv, at, width, a->is_bf16);
        const floats scale = broadcast(scale_of(x, width, a->epsilon));
        floats projection = broadcast(0);
        for (long i = 0; i < width; i += LANES) {
            const floats normed = load(x + i) * scale, gradient = load(g + i);
            store(d_norm + i, load(d_norm + i) + gradient * normed);
            store(x + i, normed);
            store(g + i, gradient * load(norm + i));
            projection += load(g + i) * normed;
        }
        const floats mean = broadcast(reduce_sum(projection) / (float)width);
        for (long i = 0; i < width; i += LANES) store(g + i, scale * (load(g + i) - load(x + i) * mean));
    }
    write_row(a->d_qkv, at, g, width, a->is_bf16);
}

static void transpose(float *columns, const float *rows, long positions, long width) {
    const long stride = padded(positions);
    for (long t = 0; t < positions; t++)
        for (long i = 0; i < width; i++) columns[i * stride + t] = rows[t * width + i];
}

/* to (ROWS, keys) = rows (ROWS, K) times columns (K, keys), for the first `vectors` vectors of keys. */
static void score_rows(float *to, const float *rows, const float *columns, long width, long stride, long vectors) {
    long j = 0;
    for (; j + 2 <= vectors; j += 2) {
        floats total[ROWS][2] = {0};
        const float *column = columns + j * LANES;
        for (long i = 0; i < width; i++, column += stride) {
            const floats first = load(column), second = load(column + LANES);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const floats x = broadcast(rows[r * width + i]);
                total[r][0] += x * first;
                total[r][1] += x * second;
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            store(to + r * stride + j * LANES, total[r][0]);
            store(to + r * stride + (j + 1) * LANES, total[r][1]);
        }
    }
    if (j < vectors) {
        floats total[ROWS] = {0};
        const float *column = columns + j * LANES;
        for (long i = 0; i < width; i++, column += stride) {
            const floats first = load(column);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) total[r] += broadcast(rows[r * width + i]) * first;
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) store(to + r * stride + j * LANES, total[r]);
    }
}

/* to (ROWS, K) = weights (ROWS, keys) times rows (keys, K). */
static void matmul_nn(float *to, const float *weights, const float *rows, long width, long stride, long keys) {
    for (long i = 0; i < width; i += 2 * LANES) {
        floats total[ROWS][2] = {0};
        for (long s = 0; s < keys; s++) {
            const floats first = load(rows + s * width + i), second = load(rows + s * width + i + LANES);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const floats x = broadcast(weights[r * stride + s]);
                total[r][0] += x * first;
                total[r][1] += x * second;
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            store(to + r * width + i, total[r][0]);
            store(to + r * width + i + LANES, total[r][1]);
        }
    }
}

/* to (keys, K) += transposed weights (ROWS, keys) times rows (ROWS, K). */
static void matmul_tn_add(float *to, const float *weights, const float *rows, long width, long stride, long keys) {
    for (long i = 0; i < width; i += 2 * LANES) {
        floats row[ROWS][2];
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            row[r][0] = load(rows + r * width + i);
            row[r][1] = load(rows + r * width + i + LANES);
        }
        for (long s = 0; s < keys; s++) {
            float *at = to + s * width + i;
            floats first = load(at), second = load(at + LANES);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const floats x = broadcast(weights[r * stride + s]);
                first += x * row[r][0];
                second += x * row[r][1];
            }
            store(at, first);
            store(at + LANES, second);
        }
    }
}

/* Softmax of one row of scores over the keys 0 ... t, in place, 0 after them. Returns its log-sum-exp. */
static float softmax(float *scores, long t, long vectors) {
    floats maxima = broadcast(-INFINITY);
    for (long j = 0; j < vectors; j++) {
        const ints later = lane_numbers() + (int)(j * LANES) > (int)t;
        const floats x = where(later, broadcast(-INFINITY), load(scores + j * LANES));
        store(scores + j * LANES, x);
        maxima = maximum(maxima, x);
    }
    const float top = reduce_maximum(maxima);
    floats total = broadcast(0);
    for (long j = 0; j < vectors; j++) {
        const floats x = exponential(load(scores + j * LANES) - top);
        store(scores + j * LANES, x);
        total += x;
    }
    const float sum = reduce_sum(total);
    for (long j = 0; j < vectors; j++) store(scores + j * LANES, load(scores + j * LANES) * (1.0f / sum));
    return top + logf(sum);
}

static void run_task(attention *a, scratch *d, long task) {
    const long positions = a->positions, heads = a->heads, kv_heads = a->kv_heads, width = a->width;
    const long window = task / kv_heads, group = task % kv_heads, group_size = heads / kv_heads;
    const long row_width = (heads + 2 * kv_heads) * width, first_row = window * positions, rows = padded(positions);
    const float scale = 1.0f / sqrtf((float)width);
    for (long t = 0; t < positions; t++) {
        const long row = (first_row + t) * row_width;
        qk_forward(a, d->k + t * width, row + (heads + group) * width, t, a->k_norm);
        read_row(d->v + t * width, a->qkv, row + (heads + kv_heads + group) * width, width, a->is_bf16);
    }
    transpose(d->k_columns, d->k, positions, width);
    if (a->d_attn_out) {
        transpose(d->v_columns, d->v, positions, width);
        memset(d->dk, 0, sizeof(float) * rows * width);
        memset(d->dv, 0, sizeof(float) * rows * width);
    }
    for (long head = group * group_size; head < (group + 1) * group_size; head++) {
        float *lse = a->lse + (window * heads + head) * positions;
        for (long t = 0; t < positions; t++) {
            float *q = d->q + t * width;
            qk_forward(a, q, (first_row + t) * row_width + head * width, t, a->q_norm);
            for (long i = 0; i < width; i += LANES) store(q + i, load(q + i) * scale);
            if (a->d_attn_out) {
                const long at = ((first_row + t) * heads + head) * width;
                read_row(d->o + t * width, a->attn_out, at, width, a->is_bf16);
                read_row(d->do_ + t * width, a->d_attn_out, at, width, a->is_bf16);
            }
        }
        for (long begin = 0; begin < positions; begin += ROWS) {
            const long end = begin + ROWS < positions ? begin + ROWS : positions, vectors = (end - 1) / LANES + 1;
            const float *q = d->q + begin * width, *do_ = d->do_ + begin * width;
            score_rows(d->pattern, q, d->k_columns, width, rows, vectors);
            if (!a->d_attn_out) {
                for (long t = begin; t < end; t++)
                    lse[t] = softmax(d->pattern + (t - begin) * rows, t, vectors);
                matmul_nn(d->o + begin * width, d->pattern, d->v, width, rows, end);
                continue;
            }
            score_rows(d->d_pattern, do_, d->v_columns, width, rows, vectors);
            for (long t = begin; t < end; t++) {
                float *p = d->pattern + (t - begin) * rows, *dp = d->d_pattern + (t - begin) * rows;
                const float delta = dot(d->o + t * width, d->do_ + t * width, width);
                for (long j = 0; j < vectors; j++) {
                    const ints later = lane_numbers() + (int)(j * LANES) > (int)t;
                    const floats x = where(later, broadcast(0), exponential(load(p + j * LANES) - lse[t]));
                    store(p + j * LANES, x);
                    store(dp + j * LANES, x * (load(dp + j * LANES) - delta));
                }
            }
            for (long r = end - begin; r < ROWS; r++) { /* queries past the last position */
                memset(d->pattern + r * rows, 0, sizeof(float) * rows);
                memset(d->d_pattern + r * rows, 0, sizeof(float) * rows);
            }
            matmul_nn(d->dq + begin * width, d->d_pattern, d->k, width, rows, end);
            matmul_tn_add(d->dk, d->d_pattern, q, width, rows, end);
            matmul_tn_add(d->dv, d->pattern, do_, width, rows, end);
        }
        for (long t = 0; t < positions; t++) {
            if (!a->d_attn_out) {
                write_row(a->attn_out, ((first_row + t) * heads + head) * width, d->o + t * width, width, a->is_bf16);
                continue;
            }
            float *dq = d->dq + t * width;
            for (long i = 0; i < width; i += LANES) store(dq + i, load(dq + i) * scale);
            const long row = (first_row + t) * row_width;
            qk_backward(a, dq, d->row, row + head * width, t, a->q_norm, a->d_q_norm + task * width);
        }
    }
    if (!a->d_attn_out) return;
    for (long t = 0; t < positions; t++) {
        const long row = (first_row + t) * row_width;
        float *dk = d->dk + t * width;
        qk_backward(a, dk, d->row, row + (heads + group) * width, t, a->k_norm, a->d_k_norm + task * width);
        write_row(a->d_qkv, row + (heads + kv_heads + group) * width, d->dv + t * width, width, a->is_bf16);
    }
}

static void run_tasks(long begin, long end, void *argument) {
    attention *a = argument;
    scratch d;
    void *memory = allocate_scratch(&d, a->positions, a->width);
    if (!memory) {
        a->failed = 1;
        return;
    }
    for (long task = begin; task < end; task++) run_task(a, &d, task);
    free(memory);
}

/* Return 0, or -1 if memory could not be allocated. */
int octavo_attention(attention *a, long windows, int threads) {
    a->failed = 0;
    parallel_for(windows * a->kv_heads, threads, run_tasks, a);
    return -a->failed;
}
