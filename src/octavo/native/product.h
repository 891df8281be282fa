/* Products of few rows with a packed matrix. */
#include "vectors.h"

enum { PANEL = 64 }; /* outputs side by side in memory */

typedef struct {
    int64_t inputs, outputs; /* outputs: whole vectors */
    const float *weight;     /* [outputs / PANEL][inputs][PANEL]; the last panel may be narrower */
    const float *bias;       /* [outputs], or NULL */
} linear;

/* What one register of this processor holds; a tile of sums fits into its 32, or 16, registers. */
#ifdef __AVX512F__
typedef float piece __attribute__((vector_size(64)));
enum { ACROSS = 64 };
#else
typedef float piece __attribute__((vector_size(32)));
enum { ACROSS = 16 };
#endif
enum { PIECE = sizeof(piece) / sizeof(float), PIECES = LANES / PIECE, TALLEST = 6 };

INLINE piece piece_at(const float *from) {
    piece x;
    memcpy(&x, from, sizeof x);
    return x;
}

/* `rows` rows times `across` outputs. Every sum runs over the inputs in order, whatever the size of its tile. */
INLINE void tile(const int rows, const int across, const float *weight,
                                                       int64_t panel, const float *bias, const float *x,
                                                       int64_t inputs, int64_t x_stride, float *y, int64_t y_stride,
                                                       int add) {
    const int pieces = across / PIECE;
    piece sums[TALLEST][PANEL / PIECE];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int p = 0; p < pieces; p++) sums[r][p] = bias ? piece_at(bias + p * PIECE) : (piece){0};
    for (int64_t i = 0; i < inputs; i++, weight += panel) {
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int p = 0; p < pieces; p++) sums[r][p] += x[r * x_stride + i] * piece_at(weight + p * PIECE);
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int p = 0; p < pieces; p++) {
            float *to = y + r * y_stride + p * PIECE;
            const piece made = add ? sums[r][p] + piece_at(to) : sums[r][p];
            memcpy(to, &made, sizeof made);
        }
}

#define TILE(ROWS, ACROSS_)                                                                          \
    case (ROWS) * 8 + (ACROSS_) / 16:                                                                \
        tile(ROWS, ACROSS_, weight, panel, bias, from, by->inputs, x_stride, to, by->outputs, add); \
        break;
#define TILES(ROWS) TILE(ROWS, 16) TILE(ROWS, 32) TILE(ROWS, 48) TILE(ROWS, 64)

/* x [rows][x_stride] -> y [rows][outputs], added to what is there if `add`. */
static void multiply(const linear *by, const float *x, int64_t x_stride, int64_t rows, float *y, int add) {
    for (int64_t begin = 0; begin < by->outputs; begin += PANEL) {
        const int64_t panel = by->outputs - begin < PANEL ? by->outputs - begin : PANEL;
        for (int64_t r = 0, tall; r < rows; r += tall) {
            tall = rows - r < TALLEST ? rows - r : TALLEST;
            const int64_t step = tall == 1 ? PANEL : ACROSS;
            for (int64_t within = 0; within < panel; within += step) {
                const int64_t across = panel - within < step ? panel - within : step;
                const float *weight = by->weight + begin * by->inputs + within, *from = x + r * x_stride;
                const float *bias = by->bias ? by->bias + begin + within : NULL;
                float *to = y + r * by->outputs + begin + within;
                switch (tall * 8 + across / 16) { TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6) }
            }
        }
    }
}
