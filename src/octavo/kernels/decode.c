/* Generation: several streams of tokens through one Transformer, several steps a call.
 *
 * The twin of model/ and generate/decoding.py in exact fp32. All widths are padded with zeros to a multiple of 16, the
 * most lanes that there are (the struct fields d_model, d_head, d_ff and vocab are the true sizes; width, head, hidden
 * and odds the padded ones). */
#include "simd.h"
#include "thread_pool.h"
#include "matmul.h"
#include "sampling.h"

#include <math.h>
#include <stdlib.h>

enum { NO_NORM, RMS_NORM, LAYER_NORM };
enum { RELU, GELU, SWIGLU };
enum { MOST_ROWS = 48, AT_ONCE = 4 }; /* rows through the model, and vectors of sums in attention */
enum { TOGETHER = 16 }; /* streams that take their steps before the next do: their caches stay in the processor's */

typedef struct {
    const float *weight, *bias; /* [width]; a bias may be NULL */
} norm;

typedef struct {
    norm attention_norm, feedforward_norm;
    const float *q_norm, *k_norm; /* [head], or NULL */
    linear qkv, output, up, down; /* qkv: all heads of q, then of k, then of v; up: gate, if there is one, then up */
} block;

typedef struct {
    int64_t n_layers, d_model, width, n_heads, n_kv_heads, d_head, head, d_ff, hidden, vocab, odds;
    int64_t context, first; /* positions there are; 1 if each window begins with the start token, else 0 */
    int64_t norm, post_norm, residual, feedforward;
    float epsilon;
    const float *embedding;       /* [vocab][width] */
    const float *positions;       /* [context][width], or NULL */
    const float *cosines, *sines; /* [context][d_head / 2], or NULL */
    const float *first_qkv;       /* [vocab][outputs of qkv]: what the first block makes of each token, or NULL */
    norm final_norm;
    linear unembedding;
    const block *blocks;
} transformer;

/* One text that grows. Its cache: for each layer and key/value head the keys, [context / LANES][d_head][LANES], and the
 * values, [context][head], with the context rounded up to whole vectors. */
typedef struct {
    int64_t place;  /* how many tokens there are, the prompt's with them */
    int64_t begin;  /* the place of the first in the window */
    int64_t held;   /* tokens in the window, the start token with them */
    int64_t cached; /* how many of those the cache has */
    int32_t *window; /* [context + 1] */
    float *cache;
} stream;

typedef struct {
    stream *of;
    int64_t position;
    int asks; /* whether the odds after it are needed */
    int64_t number; /* of its stream */
} row;

typedef struct {
    row rows[MOST_ROWS];
    float *x, *y, *qkv, *read, *hidden, *odds; /* [MOST_ROWS][...] */
    float *scores;                             /* [n_heads][context] */
    pick_room room;
} workspace;

typedef struct {
    const transformer *model;
    stream *streams;
    int64_t steps;
    const sampling *how;
    const double *uniforms; /* [streams][steps], or NULL */
    int32_t *tokens;        /* [streams][steps] */
    float *odds;            /* [streams][vocab]: the logits of the last step; or NULL */
    int no_memory;
} errand;

static int64_t whole(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

static int64_t head_cache(const transformer *m) { return whole(m->context) * (m->d_head + m->head); }

/* x [width] -> y [width]; may be the same. */
static void normalise(const transformer *m, norm by, const float *x, float *y) {
    if (m->norm == NO_NORM) {
        if (x != y) memcpy(y, x, m->width * sizeof *x);
        return;
    }
    float mean = 0;
    if (m->norm == LAYER_NORM) {
        floats total = all(0);
        for (int64_t i = 0; i < m->width; i += LANES) total += load(x + i);
        mean = sum(total) / m->d_model;
    }
    floats squares = all(0);
    for (int64_t i = 0; i < m->width; i += LANES) {
        const floats away = choose(lane_numbers() < (int32_t)(m->d_model - i), load(x + i) - mean, all(0));
        squares += away * away;
    }
    const float scale = 1 / sqrtf(sum(squares) / m->d_model + m->epsilon);
    for (int64_t i = 0; i < m->width; i += LANES) {
        floats scaled = (load(x + i) - mean) * scale * load(by.weight + i);
        if (by.bias) scaled += load(by.bias + i);
        store(y + i, scaled); /* the weight is 0 where there is only padding */
    }
}

/* One head of q or k, in place: its norm, then its turn. */
static void finish_head(const transformer *m, const float *weight, int64_t position, float *x) {
    if (weight) {
        floats squares = all(0);
        for (int64_t i = 0; i < m->head; i += LANES) squares += load(x + i) * load(x + i);
        const float scale = 1 / sqrtf(sum(squares) / m->d_head + m->epsilon);
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

/* Norm and turn the row's q and k, and put its k and v into the cache of its stream. */
static void remember(const transformer *m, const block *b, int64_t layer, const row *r, float *qkv) {
    const int64_t context = whole(m->context), at = r->position;
    for (int64_t h = 0; h < m->n_heads; h++) finish_head(m, b->q_norm, at, qkv + h * m->head);
    float *k = qkv + m->n_heads * m->head, *v = k + m->n_kv_heads * m->head;
    for (int64_t h = 0; h < m->n_kv_heads; h++, k += m->head, v += m->head) {
        float *keys = r->of->cache + (layer * m->n_kv_heads + h) * head_cache(m);
        float *values = keys + context * m->d_head;
        finish_head(m, b->k_norm, at, k);
        float *column = keys + at / LANES * LANES * m->d_head + at % LANES;
        for (int64_t d = 0; d < m->d_head; d++) column[d * LANES] = k[d];
        for (int64_t d = 0; d < m->head; d += LANES) store(values + at * m->head + d, load(v + d));
    }
}

/* Scores of q [d_head] with `blocks` vectors of keys side by side. */
INLINE void score(const int blocks, int64_t d_head, const float *q, const float *keys, float *scores) {
    floats sums[AT_ONCE];
    for (int b = 0; b < blocks; b++) sums[b] = all(0);
    for (int64_t d = 0; d < d_head; d++, keys += LANES)
        for (int b = 0; b < blocks; b++) sums[b] += q[d] * load(keys + b * LANES * d_head);
    memcpy(scores, sums, blocks * sizeof *sums);
}

/* The first `end` values, `vectors` of the `head` numbers of each, weighted by their shares. */
INLINE void blend(const int vectors, int64_t end, int64_t head, const float *shares, const float *values,
                  float *read) {
    floats even[AT_ONCE], odd[AT_ONCE];
    for (int v = 0; v < vectors; v++) even[v] = odd[v] = all(0);
    int64_t s = 0;
    for (; s + 1 < end; s += 2, values += 2 * head)
        for (int v = 0; v < vectors; v++) {
            even[v] += shares[s] * load(values + v * LANES);
            odd[v] += shares[s + 1] * load(values + head + v * LANES);
        }
    for (int v = 0; v < vectors; v++) {
        if (s < end) even[v] += shares[s] * load(values + v * LANES);
        even[v] += odd[v];
    }
    memcpy(read, even, vectors * sizeof *even);
}

/* A softmax of the first `end` scores, times `scale`, in place. */
static void softmax(float *scores, int64_t end, float scale) {
    floats most = all(-INFINITY), total = all(0);
    for (int64_t s = 0; s < end; s += LANES) {
        const floats score = choose(lane_numbers() < (int32_t)(end - s), load(scores + s), all(-INFINITY));
        store(scores + s, score);
        most = larger(most, score);
    }
    const float top = largest(most);
    for (int64_t s = 0; s < end; s += LANES) {
        const floats share = exponential((load(scores + s) - top) * scale);
        store(scores + s, share);
        total += share;
    }
    const float one = 1 / sum(total);
    for (int64_t s = 0; s < end; s += LANES) store(scores + s, load(scores + s) * one);
}

/* What the row's q, all heads of it, reads from the keys and values up to its own: `read` [n_heads][head]. The heads
 * go through each stage together, so that the processor has something to do while one of them waits. */
static void attend(const transformer *m, int64_t layer, const row *r, const float *q, float *scores, float *read) {
    const int64_t end = r->position + 1, blocks = whole(end) / LANES, k = m->d_head, context = whole(m->context);
    const int64_t shared_by = m->n_heads / m->n_kv_heads;
    const float scale = 1 / sqrtf((float)k);
    const float *cache = r->of->cache + layer * m->n_kv_heads * head_cache(m);
    for (int64_t h = 0; h < m->n_heads; h++) {
        const float *keys = cache + h / shared_by * head_cache(m), *of = q + h * m->head;
        for (int64_t b = 0; b < blocks; b += AT_ONCE, keys += AT_ONCE * LANES * k) {
            float *to = scores + h * context + b * LANES;
            switch (blocks - b) {
            case 1: score(1, k, of, keys, to); break;
            case 2: score(2, k, of, keys, to); break;
            case 3: score(3, k, of, keys, to); break;
            default: score(AT_ONCE, k, of, keys, to);
            }
        }
    }
    for (int64_t h = 0; h < m->n_heads; h++) softmax(scores + h * context, end, scale);
    for (int64_t h = 0; h < m->n_heads; h++) {
        const float *values = cache + h / shared_by * head_cache(m) + context * k, *share = scores + h * context;
        float *to = read + h * m->head;
        for (int64_t d = 0; d < m->head; d += AT_ONCE * LANES) {
            switch ((m->head - d) / LANES) {
            case 1: blend(1, end, m->head, share, values + d, to + d); break;
            case 2: blend(2, end, m->head, share, values + d, to + d); break;
            case 3: blend(3, end, m->head, share, values + d, to + d); break;
            default: blend(AT_ONCE, end, m->head, share, values + d, to + d);
            }
        }
    }
}

/* The bend of the feed-forward layer, in place: x [hidden], or with a gate [2 * hidden]. */
static void bend(const transformer *m, float *x) {
    for (int64_t i = 0; i < m->hidden; i += LANES) {
        const floats made = load(x + i);
        if (m->feedforward == SWIGLU) {
            store(x + i, made / (1 + exponential(-made)) * load(x + m->hidden + i));
        } else if (m->feedforward == GELU) {
            store(x + i, made * 0.5f * (1 + error_function(made * 0.70710678f)));
        } else {
            store(x + i, choose(made < 0, all(0), made));
        }
    }
}

/* Let each row read from its stream's cache what comes before it, and itself, once its k and v are there; the rows
 * are in the order of their positions. From the last layer on only rows that ask are needed: they move to the front.
 * How many rows are left. */
static int64_t look_back(const transformer *m, workspace *w, int64_t layer, int64_t rows) {
    const int64_t read = m->n_heads * m->head, qkv = m->blocks->qkv.outputs;
    int64_t left = 0;
    for (int64_t r = 0; r < rows; r++) {
        const row at = w->rows[r];
        remember(m, m->blocks + layer, layer, &at, w->qkv + r * qkv);
        if (layer == m->n_layers - 1 && !at.asks) continue;
        attend(m, layer, &at, w->qkv + r * qkv, w->scores, w->read + left * read);
        if (left < r) {
            w->rows[left] = at;
            memcpy(w->x + left * m->width, w->x + r * m->width, m->width * sizeof *w->x);
        }
        left++;
    }
    return left;
}

/* x = norm(x) where norms come after what is added, y = norm(x) where they come before. */
static const float *normed(const transformer *m, workspace *w, int64_t rows, norm by, int after) {
    if (after != m->post_norm) return w->x;
    float *to = after ? w->x : w->y;
    for (int64_t r = 0; r < rows; r++) normalise(m, by, w->x + r * m->width, to + r * m->width);
    return to;
}

/* The first `rows` of the workspace through the model, all of whose earlier positions are in the caches. Left over
 * are the rows that ask, with their logits in `odds`; how many they are. */
static int64_t forward(const transformer *m, workspace *w, int64_t rows) {
    const int64_t read = m->n_heads * m->head, up = m->blocks->up.outputs, qkv = m->blocks->qkv.outputs;
    for (int64_t r = 0; r < rows; r++) {
        const row *at = w->rows + r;
        const float *from = m->embedding + at->of->window[at->position] * m->width;
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
                const int32_t token = w->rows[r].of->window[w->rows[r].position];
                memcpy(w->qkv + r * qkv, m->first_qkv + token * qkv, qkv * sizeof(float));
            }
        } else {
            multiply(&b->qkv, normed(m, w, rows, b->attention_norm, 0), m->width, rows, w->qkv, 0);
        }
        rows = look_back(m, w, layer, rows);
        multiply(&b->output, w->read, read, rows, w->x, m->residual);
        normed(m, w, rows, b->attention_norm, 1);
        multiply(&b->up, normed(m, w, rows, b->feedforward_norm, 0), m->width, rows, w->hidden, 0);
        for (int64_t r = 0; r < rows; r++) bend(m, w->hidden + r * up);
        multiply(&b->down, w->hidden, up, rows, w->x, m->residual);
        normed(m, w, rows, b->feedforward_norm, 1);
    }
    for (int64_t r = 0; r < rows; r++) normalise(m, m->final_norm, w->x + r * m->width, w->y + r * m->width);
    multiply(&m->unembedding, w->y, m->width, rows, w->odds, 0);
    return rows;
}

/* generate/chunks.py's window_begin. */
static int64_t window_begin(int64_t place, int64_t room) {
    const int64_t advance = room - room / 2;
    return place <= room ? 0 : (place - room + advance - 1) / advance * advance;
}

/* Begin a new window where the stream's is full. */
static void make_room(const transformer *m, stream *s) {
    const int64_t left_behind = window_begin(s->place, m->context - m->first) - s->begin;
    if (!left_behind) return;
    int32_t *tokens = s->window + m->first;
    s->begin += left_behind, s->held -= left_behind, s->cached = 0;
    memmove(tokens, tokens + left_behind, (s->held - m->first) * sizeof *tokens);
}

/* `rows` rows through the model; each that asks draws its stream's next token. */
static void advance(const errand *e, workspace *w, int64_t rows, int64_t step) {
    const transformer *m = e->model;
    const int64_t asking = forward(m, w, rows);
    for (int64_t r = 0; r < asking; r++) {
        const int64_t number = w->rows[r].number, at = number * e->steps + step;
        float *odds = w->odds + r * m->odds;
        if (e->odds && step == e->steps - 1) memcpy(e->odds + number * m->vocab, odds, m->vocab * sizeof *odds);
        const int32_t token = pick(e->how, odds, m->vocab, e->uniforms ? e->uniforms[at] : 0, &w->room);
        stream *s = w->rows[r].of;
        e->tokens[at] = s->window[s->held++] = token;
        s->place++;
    }
}

static void run_errand(int64_t begin, int64_t end, const errand *e, workspace *w) {
    for (int64_t step = 0; step < e->steps; step++) {
        int64_t rows = 0;
        for (int64_t n = begin; n < end; n++) {
            stream *s = e->streams + n;
            make_room(e->model, s);
            for (const int64_t held = s->held; s->cached < held;) {
                const int64_t position = s->cached++;
                w->rows[rows++] = (row){s, position, s->cached == held, n};
                if (rows == MOST_ROWS) advance(e, w, rows, step), rows = 0;
            }
        }
        if (rows) advance(e, w, rows, step);
    }
}

static void decode_stretch(long begin, long end, void *with) {
    errand *e = with;
    const transformer *m = e->model;
    const int64_t sizes[] = {m->width,           m->width, m->blocks->qkv.outputs, m->n_heads * m->head,
                             m->blocks->up.outputs, m->odds};
    int64_t numbers = m->n_heads * whole(m->context) + 2 * m->odds;
    for (int i = 0; i < 6; i++) numbers += MOST_ROWS * sizes[i];
    workspace w;
    float *room = aligned_alloc(64, numbers * sizeof *room);
    if (!room) {
        e->no_memory = 1;
        return;
    }
    float **parts[] = {&w.x, &w.y, &w.qkv, &w.read, &w.hidden, &w.odds}, *next = room;
    for (int i = 0; i < 6; i++) *parts[i] = next, next += MOST_ROWS * sizes[i];
    w.scores = next, next += m->n_heads * whole(m->context);
    w.room.keys = (int32_t *)next, next += m->odds;
    w.room.edges = (double *)next;
    for (; begin < end; begin += TOGETHER) run_errand(begin, end - begin < TOGETHER ? end : begin + TOGETHER, e, &w);
    free(room);
}

/* Let each of `n` streams grow by `steps` tokens, with up to `threads` threads; 1 if there is no memory for it, else
 * 0. A stream's tokens depend neither on the others nor on the threads. */
int octavo_decode(const transformer *model, stream *streams, int64_t n, int64_t steps, const sampling *how,
                  const double *uniforms, int32_t *tokens, float *odds, int threads) {
    errand e = {model, streams, steps, how, uniforms, tokens, odds, 0};
    share_out(n, threads, decode_stretch, &e);
    return e.no_memory;
}
