/* Generation: several streams of tokens through one Transformer, several steps per call.
 *
 * Computes in fp32 what model/ and generate/decoding.py compute. All widths are padded with zeros to a multiple of
 * 16, the largest number of lanes. In the struct, d_model, d_head, d_ff and vocab are the true sizes; width, head,
 * hidden and vocab_padded are the padded ones. */
#include "simd.h"
#include "thread_pool.h"
#include "matmul.h"
#include "sampling.h"

#include <math.h>
#include <stdlib.h>

enum { NO_NORM, RMS_NORM, LAYER_NORM };
enum { RELU, GELU, SWIGLU };
enum { MAX_ROWS = 48, TILE_VECTORS = 4 }; /* rows per forward pass, and vectors of sums in attention */
enum { STREAMS_AT_ONCE = 16 }; /* take all steps before the next ones do, so that the CPU keeps their KV caches */

typedef struct {
    const float *weight, *bias; /* [width]; a bias may be NULL */
} norm;

typedef struct {
    norm attention_norm, feedforward_norm;
    const float *q_norm, *k_norm; /* [head], or NULL */
    linear qkv, output, up, down; /* qkv: all heads of q, then of k, then of v; up: gate, if there is one, then up */
} block;

typedef struct {
    int64_t n_layers, d_model, width, n_heads, n_kv_heads, d_head, head, d_ff, hidden, vocab, vocab_padded;
    int64_t context, has_bos; /* positions of a window; 1 if each window begins with the BOS token, else 0 */
    int64_t norm, post_norm, residual, feedforward;
    float epsilon;
    const float *embedding;       /* [vocab][width] */
    const float *positions;       /* [context][width], or NULL */
    const float *cosines, *sines; /* [context][d_head / 2], or NULL */
    const float *first_qkv;       /* [vocab][outputs of qkv]: the first block's projections of each token, or NULL */
    norm final_norm;
    linear unembedding;
    const block *blocks;
} transformer;

/* One text that grows. Its KV cache holds, for each layer and key/value head, the keys
 * [context / LANES][d_head][LANES] and then the values [context][head], with the context padded to whole vectors. */
typedef struct {
    int64_t length;       /* tokens so far, including the prompt */
    int64_t window_start; /* index of the window's first token */
    int64_t n_window;     /* tokens in the window, including BOS */
    int64_t n_cached;     /* of these, the tokens that are in the cache */
    int32_t *window;      /* [context + 1] */
    float *cache;
} stream;

/* One position of one stream on its way through the model. */
typedef struct {
    stream *stream;
    int64_t position;
    int needs_logits;
    int64_t stream_index;
} row;

typedef struct {
    row rows[MAX_ROWS];
    float *x, *y, *qkv, *attn_out, *hidden, *logits; /* [MAX_ROWS][...] */
    float *scores;                                   /* [n_heads][context] */
    sample_scratch sampling;
} scratch;

typedef struct {
    const transformer *model;
    stream *streams;
    int64_t steps;
    const sampling *sampling;
    const double *uniforms; /* [streams][steps], or NULL */
    int32_t *tokens;        /* [streams][steps] */
    float *logits;          /* [streams][vocab], of the last step; or NULL */
    int no_memory;
} decode_job;

/* `n` rounded up to whole vectors. */
static int64_t padded(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

/* Floats that the cache has for one head of one layer. */
static int64_t head_cache(const transformer *m) { return padded(m->context) * (m->d_head + m->head); }

/* x [width] -> y [width]; x and y may be the same. */
static void normalize(const transformer *m, norm by, const float *x, float *y) {
    if (m->norm == NO_NORM) {
        if (x != y) memcpy(y, x, m->width * sizeof *x);
        return;
    }
    float mean = 0;
    if (m->norm == LAYER_NORM) {
        floats total = broadcast(0);
        for (int64_t i = 0; i < m->width; i += LANES) total += load(x + i);
        mean = reduce_sum(total) / m->d_model;
    }
    floats squares = broadcast(0);
    for (int64_t i = 0; i < m->width; i += LANES) {
        const floats deviation = where(lane_numbers() < (int32_t)(m->d_model - i), load(x + i) - mean, broadcast(0));
        squares += deviation * deviation;
    }
    const float scale = 1 / sqrtf(reduce_sum(squares) / m->d_model + m->epsilon);
    for (int64_t i = 0; i < m->width; i += LANES) {
        floats scaled = (load(x + i) - mean) * scale * load(by.weight + i);
        if (by.bias) scaled += load(by.bias + i);
        store(y + i, scaled); /* the weight of padding is 0 */
    }
}

/* Norm one head of q or k, then rotate it, in place. */
static void norm_and_rotate(const transformer *m, const float *weight, int64_t position, float *x) {
    if (weight) {
        floats squares = broadcast(0);
        for (int64_t i = 0; i < m->head; i += LANES) squares += load(x + i) * load(x + i);
        const float scale = 1 / sqrtf(reduce_sum(squares) / m->d_head + m->epsilon);
        for (int64_t i = 0; i < m->head; i += LANES) store(x + i, load(x + i) * scale * load(weight + i));
    }
    if (m->cosines) {
        const int64_t half = m->d_head / 2;
        const float *restrict c = m->cosines + position * half, *restrict s = m->sines + position * half;
        float *restrict left = x, *restrict right = x + half;
        for (int64_t i = 0; i < half; i++) {
            const float l = left[i], r = right[i];
            left[i] = l * c[i] - r * s[i];
            right[i] = r * c[i] + l * s[i];
        }
    }
}

/* Norm and rotate the q and k of a row, and write its k and v to the cache of its stream. */
static void write_kv(const transformer *m, const block *b, int64_t layer, const row *r, float *qkv) {
    const int64_t context = padded(m->context), at = r->position;
    for (int64_t h = 0; h < m->n_heads; h++) norm_and_rotate(m, b->q_norm, at, qkv + h * m->head);
    float *k = qkv + m->n_heads * m->head, *v = k + m->n_kv_heads * m->head;
    for (int64_t h = 0; h < m->n_kv_heads; h++, k += m->head, v += m->head) {
        float *keys = r->stream->cache + (layer * m->n_kv_heads + h) * head_cache(m);
        float *values = keys + context * m->d_head;
        norm_and_rotate(m, b->k_norm, at, k);
        float *column = keys + at / LANES * LANES * m->d_head + at % LANES;
        for (int64_t d = 0; d < m->d_head; d++) column[d * LANES] = k[d];
        for (int64_t d = 0; d < m->head; d += LANES) store(values + at * m->head + d, load(v + d));
    }
}

/* Scores of q [d_head] for `blocks` consecutive vectors of keys. */
INLINE void score(const int blocks, int64_t d_head, const float *q, const float *keys, float *scores) {
    floats sums[TILE_VECTORS];
    for (int b = 0; b < blocks; b++) sums[b] = broadcast(0);
    for (int64_t d = 0; d < d_head; d++, keys += LANES)
        for (int b = 0; b < blocks; b++) sums[b] += q[d] * load(keys + b * LANES * d_head);
    memcpy(scores, sums, blocks * sizeof *sums);
}

/* Sum of the first `end` values by their weights, for `vectors` vectors of the `head` numbers of each. */
INLINE void weighted_values(const int vectors, int64_t end, int64_t head, const float *weights, const float *values,
                            float *out) {
    floats even[TILE_VECTORS], odd[TILE_VECTORS];
    for (int v = 0; v < vectors; v++) even[v] = odd[v] = broadcast(0);
    int64_t s = 0;
    for (; s + 1 < end; s += 2, values += 2 * head)
        for (int v = 0; v < vectors; v++) {
            even[v] += weights[s] * load(values + v * LANES);
            odd[v] += weights[s + 1] * load(values + head + v * LANES);
        }
    for (int v = 0; v < vectors; v++) {
        if (s < end) even[v] += weights[s] * load(values + v * LANES);
        even[v] += odd[v];
    }
    memcpy(out, even, vectors * sizeof *even);
}

/* Softmax of the first `end` scores times `scale`, in place. */
static void softmax(float *scores, int64_t end, float scale) {
    floats maxima = broadcast(-INFINITY), total = broadcast(0);
    for (int64_t s = 0; s < end; s += LANES) {
        const floats score = where(lane_numbers() < (int32_t)(end - s), load(scores + s), broadcast(-INFINITY));
        store(scores + s, score);
        maxima = maximum(maxima, score);
    }
    const float top = reduce_maximum(maxima);
    for (int64_t s = 0; s < end; s += LANES) {
        const floats x = exponential((load(scores + s) - top) * scale);
        store(scores + s, x);
        total += x;
    }
    const float inverse_sum = 1 / reduce_sum(total);
    for (int64_t s = 0; s < end; s += LANES) store(scores + s, load(scores + s) * inverse_sum);
}

/* Attention of all heads of a row's q over the keys and values up to its own position -> out [n_heads][head]. The
 * heads run through each stage together, because the CPU can overlap their independent operations. */
static void attend(const transformer *m, int64_t layer, const row *r, const float *q, float *scores, float *out) {
    const int64_t end = r->position + 1, blocks = padded(end) / LANES, k = m->d_head, context = padded(m->context);
    const int64_t group_size = m->n_heads / m->n_kv_heads;
    const float scale = 1 / sqrtf((float)k);
    const float *cache = r->stream->cache + layer * m->n_kv_heads * head_cache(m);
    for (int64_t h = 0; h < m->n_heads; h++) {
        const float *keys = cache + h / group_size * head_cache(m), *query = q + h * m->head;
        for (int64_t b = 0; b < blocks; b += TILE_VECTORS, keys += TILE_VECTORS * LANES * k) {
            float *to = scores + h * context + b * LANES;
            switch (blocks - b) {
            case 1: score(1, k, query, keys, to); break;
            case 2: score(2, k, query, keys, to); break;
            case 3: score(3, k, query, keys, to); break;
            default: score(TILE_VECTORS, k, query, keys, to);
            }
        }
    }
    for (int64_t h = 0; h < m->n_heads; h++) softmax(scores + h * context, end, scale);
    for (int64_t h = 0; h < m->n_heads; h++) {
        const float *values = cache + h / group_size * head_cache(m) + context * k, *weights = scores + h * context;
        float *to = out + h * m->head;
        for (int64_t d = 0; d < m->head; d += TILE_VECTORS * LANES) {
            switch ((m->head - d) / LANES) {
            case 1: weighted_values(1, end, m->head, weights, values + d, to + d); break;
            case 2: weighted_values(2, end, m->head, weights, values + d, to + d); break;
            case 3: weighted_values(3, end, m->head, weights, values + d, to + d); break;
            default: weighted_values(TILE_VECTORS, end, m->head, weights, values + d, to + d);
            }
        }
    }
}

/* The activation of the feed-forward layer, in place: x [hidden], or with a gate [2 * hidden]. */
static void activate(const transformer *m, float *x) {
    for (int64_t i = 0; i < m->hidden; i += LANES) {
        const floats value = load(x + i);
        if (m->feedforward == SWIGLU) {
            store(x + i, value / (1 + exponential(-value)) * load(x + m->hidden + i));
        } else if (m->feedforward == GELU) {
            store(x + i, value * 0.5f * (1 + error_function(value * 0.70710678f)));
        } else {
            store(x + i, where(value < 0, broadcast(0), value));
        }
    }
}

/* Write each row's k and v to its stream's cache, then attend from the row to the cache. Rows must be in the order of
 * their positions. After the last layer's keys are written, only rows that need logits go on; they move to the front.
 * Return how many rows go on. */
static int64_t attend_rows(const transformer *m, scratch *w, int64_t layer, int64_t rows) {
    const int64_t out_width = m->n_heads * m->head, qkv = m->blocks->qkv.outputs;
    int64_t remaining = 0;
    for (int64_t r = 0; r < rows; r++) {
        const row at = w->rows[r];
        write_kv(m, m->blocks + layer, layer, &at, w->qkv + r * qkv);
        if (layer == m->n_layers - 1 && !at.needs_logits) continue;
        attend(m, layer, &at, w->qkv + r * qkv, w->scores, w->attn_out + remaining * out_width);
        if (remaining < r) {
            w->rows[remaining] = at;
            memcpy(w->x + remaining * m->width, w->x + r * m->width, m->width * sizeof *w->x);
        }
        remaining++;
    }
    return remaining;
}

/* Return x after a norm: x = norm(x) in post-norm models, if `after`; y = norm(x) in pre-norm models, if not. */
static const float *normed(const transformer *m, scratch *w, int64_t rows, norm by, int after) {
    if (after != m->post_norm) return w->x;
    float *to = after ? w->x : w->y;
    for (int64_t r = 0; r < rows; r++) normalize(m, by, w->x + r * m->width, to + r * m->width);
    return to;
}

/* Run the first `rows` rows through the model. All earlier positions must be in the caches. Return how many rows need
 * logits: they come first, with their logits in `logits`. */
static int64_t forward(const transformer *m, scratch *w, int64_t rows) {
    const int64_t out_width = m->n_heads * m->head, up = m->blocks->up.outputs, qkv = m->blocks->qkv.outputs;
    for (int64_t r = 0; r < rows; r++) {
        const row *at = w->rows + r;
        const float *from = m->embedding + at->stream->window[at->position] * m->width;
        float *x = w->x + r * m->width;
        memcpy(x, from, m->width * sizeof *x);
        if (m->positions) {
            const float *added = m->positions + at->position * m->width;
            for (int64_t i = 0; i < m->width; i += LANES) store(x + i, load(x + i) + load(added + i));
        }
    }
    for (int64_t layer = 0; layer < m->n_layers; layer++) {
        const block *b = m->blocks + layer;
        if (layer == 0 && m->first_qkv) {
            for (int64_t r = 0; r < rows; r++) {
                const int32_t token = w->rows[r].stream->window[w->rows[r].position];
                memcpy(w->qkv + r * qkv, m->first_qkv + token * qkv, qkv * sizeof(float));
            }
        } else {
            matmul(&b->qkv, normed(m, w, rows, b->attention_norm, 0), m->width, rows, w->qkv, 0);
        }
        rows = attend_rows(m, w, layer, rows);
        matmul(&b->output, w->attn_out, out_width, rows, w->x, m->residual);
        normed(m, w, rows, b->attention_norm, 1);
        matmul(&b->up, normed(m, w, rows, b->feedforward_norm, 0), m->width, rows, w->hidden, 0);
        for (int64_t r = 0; r < rows; r++) activate(m, w->hidden + r * up);
        matmul(&b->down, w->hidden, up, rows, w->x, m->residual);
        normed(m, w, rows, b->feedforward_norm, 1);
    }
    for (int64_t r = 0; r < rows; r++) normalize(m, m->final_norm, w->x + r * m->width, w->y + r * m->width);
    matmul(&m->unembedding, w->y, m->width, rows, w->logits, 0);
    return rows;
}

/* The same as window_begin of generate/streams.py. */
static int64_t window_begin(int64_t length, int64_t capacity) {
    const int64_t advance = capacity - capacity / 2;
    return length <= capacity ? 0 : (length - capacity + advance - 1) / advance * advance;
}

/* Begin a new window if the stream's window is full. */
static void slide_window(const transformer *m, stream *s) {
    const int64_t dropped = window_begin(s->length, m->context - m->has_bos) - s->window_start;
    if (!dropped) return;
    int32_t *tokens = s->window + m->has_bos;
    s->window_start += dropped, s->n_window -= dropped, s->n_cached = 0;
    memmove(tokens, tokens + dropped, (s->n_window - m->has_bos) * sizeof *tokens);
}

/* Run `rows` rows through the model; each that needs logits samples the next token of its stream. */
static void step_rows(const decode_job *job, scratch *w, int64_t rows, int64_t step) {
    const transformer *m = job->model;
    const int64_t sampled = forward(m, w, rows);
    for (int64_t r = 0; r < sampled; r++) {
        const int64_t index = w->rows[r].stream_index, at = index * job->steps + step;
        float *logits = w->logits + r * m->vocab_padded;
        if (job->logits && step == job->steps - 1)
            memcpy(job->logits + index * m->vocab, logits, m->vocab * sizeof *logits);
        const double uniform = job->uniforms ? job->uniforms[at] : 0;
        const int32_t token = sample_token(job->sampling, logits, m->vocab, uniform, &w->sampling);
        stream *s = w->rows[r].stream;
        job->tokens[at] = s->window[s->n_window++] = token;
        s->length++;
    }
}

/* Let streams begin ... end-1 take all steps together. A stream runs every token of its window that is not cached:
 * all of them at first and in a new window, else one a step. */
static void run_streams(int64_t begin, int64_t end, const decode_job *job, scratch *w) {
    for (int64_t step = 0; step < job->steps; step++) {
        int64_t rows = 0;
        for (int64_t n = begin; n < end; n++) {
            stream *s = job->streams + n;
            slide_window(job->model, s);
            for (const int64_t n_window = s->n_window; s->n_cached < n_window;) {
                const int64_t position = s->n_cached++;
                w->rows[rows++] = (row){s, position, s->n_cached == n_window, n};
                if (rows == MAX_ROWS) step_rows(job, w, rows, step), rows = 0;
            }
        }
        if (rows) step_rows(job, w, rows, step);
    }
}

static void decode_chunk(long begin, long end, void *argument) {
    decode_job *job = argument;
    const transformer *m = job->model;
    const int64_t sizes[] = {m->width, m->width, m->blocks->qkv.outputs, m->n_heads * m->head,
                             m->blocks->up.outputs, m->vocab_padded};
    int64_t size = m->n_heads * padded(m->context) + 2 * m->vocab_padded;
    for (int i = 0; i < 6; i++) size += MAX_ROWS * sizes[i];
    scratch w;
    float *memory = aligned_alloc(64, size * sizeof *memory);
    if (!memory) {
        job->no_memory = 1;
        return;
    }
    float **buffers[] = {&w.x, &w.y, &w.qkv, &w.attn_out, &w.hidden, &w.logits}, *next = memory;
    for (int i = 0; i < 6; i++) *buffers[i] = next, next += MAX_ROWS * sizes[i];
    w.scores = next, next += m->n_heads * padded(m->context);
    w.sampling.keys = (int32_t *)next, next += m->vocab_padded;
    w.sampling.edges = (double *)next;
    for (; begin < end; begin += STREAMS_AT_ONCE)
        run_streams(begin, end - begin < STREAMS_AT_ONCE ? end : begin + STREAMS_AT_ONCE, job, &w);
    free(memory);
}

/* Extend each of `n` streams by `steps` tokens, with up to `threads` threads. Return 0, or 1 if memory could not be
 * allocated. A stream's tokens depend neither on other streams nor on the number of threads. */
int octavo_decode(const transformer *model, stream *streams, int64_t n, int64_t steps, const sampling *sampling,
                  const double *uniforms, int32_t *tokens, float *logits, int threads) {
    decode_job job = {model, streams, steps, sampling, uniforms, tokens, logits, 0};
    parallel_for(n, threads, decode_chunk, &job);
    return job.no_memory;
}
