/* Causal attention over whole windows, forward and backward, from the joined projections to what the heads read.
 *
 * T positions of a window, H query heads, G key/value heads, K numbers a head (a multiple of 32). A row of `joined`
 * holds H query heads, then G key heads, then G value heads. Queries and keys may be normed (root mean square) and
 * turned (rotary positions, halves layout) on the way. All arithmetic is fp32; nothing of T x T is ever kept:
 * the backward pass makes the pattern anew from the logarithm of each row's sum (as in FlashAttention, Dao et al.,
 * 2022). One task is one key/value head of one window, with the query heads that it serves: it fits into the L2 cache.
 */

#include "thread_pool.h"
#include "simd.h"

#include <math.h>
#include <stdlib.h>

#define ROWS (LANES / 2) /* queries that are worked on together: two sums each in half of the registers */

typedef struct {
    long positions, heads, kv_heads, width;
    int half; /* bf16 and not fp32 */
    float epsilon;
    const float *q_norm, *k_norm; /* (K), or none */
    const float *cosines, *sines; /* (T, K/2), or none */
    const void *joined;           /* (windows, T, (H + 2G) K) */
    void *read;                   /* (windows, T, H K) */
    float *log_sums;              /* (windows, H, T) */
    const void *d_read;           /* as read; none in a forward pass */
    void *d_joined;               /* as joined */
    float *d_q_norm, *d_k_norm;   /* (windows G, K): a row for each task */
    int failed;
} attention;

typedef struct {
    float *q, *k, *v, *o, *do_, *dq, *dk, *dv; /* (T', K): T' is T filled up to a multiple of ROWS and LANES */
    float *k_columns, *v_columns;              /* (K, T') */
    float *pattern, *d_pattern;                /* (ROWS, T') */
    float *row;                                /* (2 K) */
} desk;

static long filled(long positions) { return (positions + LANES - 1) / LANES * LANES; }

static void *lay_out(desk *d, long positions, long width) {
    const long rows = filled(positions), block = rows * width;
    float *room = aligned_alloc(64, sizeof(float) * (10 * block + 2 * ROWS * rows + 2 * width));
    if (!room) return NULL;
    float **parts[] = {&d->q,  &d->k,  &d->v,         &d->o,        &d->do_,
                       &d->dq, &d->dk, &d->dv,        &d->k_columns, &d->v_columns};
    for (int i = 0; i < 10; i++) *parts[i] = room + i * block;
    d->pattern = room + 10 * block, d->d_pattern = d->pattern + ROWS * rows, d->row = d->d_pattern + ROWS * rows;
    memset(room, 0, sizeof(float) * 10 * block); /* what is filled up must be finite, and count for nothing */
    return room;
}

static void read_row(float *to, const void *from, long at, long width, int half) {
    for (long i = 0; i < width; i += LANES) store(to + i, load_any(from, at + i, half));
}

static void write_row(void *to, long at, const float *from, long width, int half) {
    for (long i = 0; i < width; i += LANES) store_any(to, at + i, load(from + i), half);
}

static float dot(const float *a, const float *b, long width) {
    floats total = all(0);
    for (long i = 0; i < width; i += LANES) total += load(a + i) * load(b + i);
    return sum(total);
}

static float scale_of(const float *x, long width, float epsilon) {
    return 1.0f / sqrtf(dot(x, x, width) / (float)width + epsilon);
}

/* One head's row of q or k as attention sees it: normed, turned. */
static void enter(const attention *a, float *to, long at, long position, const float *norm) {
    const long width = a->width, middle = width / 2;
    read_row(to, a->joined, at, width, a->half);
    if (norm) {
        const floats scale = all(scale_of(to, width, a->epsilon));
        for (long i = 0; i < width; i += LANES) store(to + i, load(to + i) * scale * load(norm + i));
    }
    if (a->cosines) {
        const float *c = a->cosines + position * middle, *s = a->sines + position * middle;
        for (long i = 0; i < middle; i += LANES) {
            const floats left = load(to + i), right = load(to + middle + i);
            store(to + i, left * load(c + i) - right * load(s + i));
            store(to + middle + i, right * load(c + i) + left * load(s + i));
        }
    }
}

/* From the gradient of what `enter` gave, in `g`, to that of what it took, written to d_joined. */
static void leave(const attention *a, float *g, float *x, long at, long position, const float *norm, float *d_norm) {
    const long width = a->width, middle = width / 2;
    if (a->cosines) {
        const float *c = a->cosines + position * middle, *s = a->sines + position * middle;
        for (long i = 0; i < middle; i += LANES) {
            const floats left = load(g + i), right = load(g + middle + i);
            store(g + i, left * load(c + i) + right * load(s + i));
            store(g + middle + i, right * load(c + i) - left * load(s + i));
        }
    }
    if (norm) {
        read_row(x, a->joined, at, width, a->half);
        const floats scale = all(scale_of(x, width, a->epsilon));
        floats along = all(0);
        for (long i = 0; i < width; i += LANES) {
            const floats normed = load(x + i) * scale, gradient = load(g + i);
            store(d_norm + i, load(d_norm + i) + gradient * normed);
            store(x + i, normed);
            store(g + i, gradient * load(norm + i));
            along += load(g + i) * normed;
        }
        const floats mean = all(sum(along) / (float)width);
        for (long i = 0; i < width; i += LANES) store(g + i, scale * (load(g + i) - load(x + i) * mean));
    }
    write_row(a->d_joined, at, g, width, a->half);
}

static void turn_over(float *columns, const float *rows, long positions, long width) {
    const long filled_up = filled(positions);
    for (long t = 0; t < positions; t++)
        for (long i = 0; i < width; i++) columns[i * filled_up + t] = rows[t * width + i];
}

/* to (ROWS, keys) = rows (ROWS, K) times columns (K, keys), for as many vectors of keys as are asked for. */
static void products(float *to, const float *rows, const float *columns, long width, long filled_up, long vectors) {
    long j = 0;
    for (; j + 2 <= vectors; j += 2) {
        floats total[ROWS][2] = {0};
        const float *column = columns + j * LANES;
        for (long i = 0; i < width; i++, column += filled_up) {
            const floats first = load(column), second = load(column + LANES);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const floats x = all(rows[r * width + i]);
                total[r][0] += x * first;
                total[r][1] += x * second;
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            store(to + r * filled_up + j * LANES, total[r][0]);
            store(to + r * filled_up + (j + 1) * LANES, total[r][1]);
        }
    }
    if (j < vectors) {
        floats total[ROWS] = {0};
        const float *column = columns + j * LANES;
        for (long i = 0; i < width; i++, column += filled_up) {
            const floats first = load(column);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) total[r] += all(rows[r * width + i]) * first;
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) store(to + r * filled_up + j * LANES, total[r]);
    }
}

/* to (ROWS, K) = weights (ROWS, keys) times rows (keys, K). */
static void gather(float *to, const float *weights, const float *rows, long width, long filled_up, long keys) {
    for (long i = 0; i < width; i += 2 * LANES) {
        floats total[ROWS][2] = {0};
        for (long s = 0; s < keys; s++) {
            const floats first = load(rows + s * width + i), second = load(rows + s * width + i + LANES);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const floats x = all(weights[r * filled_up + s]);
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

/* to (keys, K) += weights (ROWS, keys), turned over, times rows (ROWS, K). */
static void scatter(float *to, const float *weights, const float *rows, long width, long filled_up, long keys) {
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
                const floats x = all(weights[r * filled_up + s]);
                first += x * row[r][0];
                second += x * row[r][1];
            }
            store(at, first);
            store(at + LANES, second);
        }
    }
}

/* Softmax of one row of scores over the keys 0 ... t, in place, 0 after them; gives the logarithm of its sum. */
static float softmax(float *scores, long t, long vectors) {
    floats most = all(-INFINITY);
    for (long j = 0; j < vectors; j++) {
        const floats x = choose(lane_numbers() + (int)(j * LANES) > (int)t, all(-INFINITY), load(scores + j * LANES));
        store(scores + j * LANES, x);
        most = larger(most, x);
    }
    const float highest = largest(most);
    floats total = all(0);
    for (long j = 0; j < vectors; j++) {
        const floats x = exponential(load(scores + j * LANES) - highest);
        store(scores + j * LANES, x);
        total += x;
    }
    const float whole = sum(total);
    for (long j = 0; j < vectors; j++) store(scores + j * LANES, load(scores + j * LANES) * (1.0f / whole));
    return highest + logf(whole);
}

static void one_task(attention *a, desk *d, long task) {
    const long positions = a->positions, heads = a->heads, kv_heads = a->kv_heads, width = a->width;
    const long window = task / kv_heads, group = task % kv_heads, served = heads / kv_heads;
    const long joined = (heads + 2 * kv_heads) * width, first_row = window * positions, rows = filled(positions);
    const float scale = 1.0f / sqrtf((float)width);
    for (long t = 0; t < positions; t++) {
        const long row = (first_row + t) * joined;
        enter(a, d->k + t * width, row + (heads + group) * width, t, a->k_norm);
        read_row(d->v + t * width, a->joined, row + (heads + kv_heads + group) * width, width, a->half);
    }
    turn_over(d->k_columns, d->k, positions, width);
    if (a->d_read) {
        turn_over(d->v_columns, d->v, positions, width);
        memset(d->dk, 0, sizeof(float) * rows * width);
        memset(d->dv, 0, sizeof(float) * rows * width);
    }
    for (long head = group * served; head < (group + 1) * served; head++) {
        float *log_sums = a->log_sums + (window * heads + head) * positions;
        for (long t = 0; t < positions; t++) {
            float *q = d->q + t * width;
            enter(a, q, (first_row + t) * joined + head * width, t, a->q_norm);
            for (long i = 0; i < width; i += LANES) store(q + i, load(q + i) * scale);
            if (a->d_read) {
                const long at = ((first_row + t) * heads + head) * width;
                read_row(d->o + t * width, a->read, at, width, a->half);
                read_row(d->do_ + t * width, a->d_read, at, width, a->half);
            }
        }
        for (long begin = 0; begin < positions; begin += ROWS) {
            const long end = begin + ROWS < positions ? begin + ROWS : positions, vectors = (end - 1) / LANES + 1;
            const float *q = d->q + begin * width, *do_ = d->do_ + begin * width;
            products(d->pattern, q, d->k_columns, width, rows, vectors);
            if (!a->d_read) {
                for (long t = begin; t < end; t++)
                    log_sums[t] = softmax(d->pattern + (t - begin) * rows, t, vectors);
                gather(d->o + begin * width, d->pattern, d->v, width, rows, end);
                continue;
            }
            products(d->d_pattern, do_, d->v_columns, width, rows, vectors);
            for (long t = begin; t < end; t++) {
                float *p = d->pattern + (t - begin) * rows, *dp = d->d_pattern + (t - begin) * rows;
                const float usual = dot(d->o + t * width, d->do_ + t * width, width);
                for (long j = 0; j < vectors; j++) {
                    const ints later = lane_numbers() + (int)(j * LANES) > (int)t;
                    const floats x = choose(later, all(0), exponential(load(p + j * LANES) - log_sums[t]));
                    store(p + j * LANES, x);
                    store(dp + j * LANES, x * (load(dp + j * LANES) - usual));
                }
            }
            for (long r = end - begin; r < ROWS; r++) { /* queries past the last */
                memset(d->pattern + r * rows, 0, sizeof(float) * rows);
                memset(d->d_pattern + r * rows, 0, sizeof(float) * rows);
            }
            gather(d->dq + begin * width, d->d_pattern, d->k, width, rows, end);
            scatter(d->dk, d->d_pattern, q, width, rows, end);
            scatter(d->dv, d->pattern, do_, width, rows, end);
        }
        for (long t = 0; t < positions; t++) {
            if (!a->d_read) {
                write_row(a->read, ((first_row + t) * heads + head) * width, d->o + t * width, width, a->half);
                continue;
            }
            float *dq = d->dq + t * width;
            for (long i = 0; i < width; i += LANES) store(dq + i, load(dq + i) * scale);
            leave(a, dq, d->row, (first_row + t) * joined + head * width, t, a->q_norm, a->d_q_norm + task * width);
        }
    }
    if (!a->d_read) return;
    for (long t = 0; t < positions; t++) {
        const long row = (first_row + t) * joined;
        float *dk = d->dk + t * width;
        leave(a, dk, d->row, row + (heads + group) * width, t, a->k_norm, a->d_k_norm + task * width);
        write_row(a->d_joined, row + (heads + kv_heads + group) * width, d->dv + t * width, width, a->half);
    }
}

static void tasks(long begin, long end, void *with) {
    attention *a = with;
    desk d;
    void *room = lay_out(&d, a->positions, a->width);
    if (!room) {
        a->failed = 1;
        return;
    }
    for (long task = begin; task < end; task++) one_task(a, &d, task);
    free(room);
}

/* 0, or -1 if there was no memory. */
int octavo_attention(attention *a, long windows, int threads) {
    a->failed = 0;
    share_out(windows * a->kv_heads, threads, tasks, a);
    return -a->failed;
}
