/* Products of few rows with a packed matrix. */
#include "simd.h"

enum { PANEL = 64 }; /* outputs that are contiguous in memory */

typedef struct {
    int64_t inputs, outputs; /* outputs: a multiple of 16 */
    const float *weight;     /* [outputs / PANEL][inputs][PANEL]; the last panel may be narrower */
    const float *bias;       /* [outputs], or NULL */
} linear;

enum { TILE_WIDTH = LANES == 16 ? 64 : 16, MAX_TILE_ROWS = 6 }; /* a tile of sums fits into the 32 or 16 registers */

/* Compute `rows` rows by `width` outputs. Every sum runs over the inputs in order, whatever the size of its tile. */
INLINE void tile(const int rows, const int width, const float *weight, int64_t panel, const float *bias,
                 const float *x, int64_t inputs, int64_t x_stride, float *y, int64_t y_stride, int add) {
    const int vectors = width / LANES;
    floats sums[MAX_TILE_ROWS][PANEL / LANES];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) sums[r][v] = bias ? load(bias + v * LANES) : broadcast(0);
    for (int64_t i = 0; i < inputs; i++, weight += panel) {
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) sums[r][v] += x[r * x_stride + i] * load(weight + v * LANES);
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            float *to = y + r * y_stride + v * LANES;
            store(to, add ? sums[r][v] + load(to) : sums[r][v]);
        }
}

#define TILE(ROWS, WIDTH)                                                                           \
    case (ROWS) * 8 + (WIDTH) / 16:                                                                 \
        tile(ROWS, WIDTH, weight, panel, bias, from, by->inputs, x_stride, to, by->outputs, add);   \
        break;
#define TILES(ROWS) TILE(ROWS, 16) TILE(ROWS, 32) TILE(ROWS, 48) TILE(ROWS, 64)

/* x [rows][x_stride] -> y [rows][outputs]; with `add` the product is added to y. */
static void matmul(const linear *by, const float *x, int64_t x_stride, int64_t rows, float *y, int add) {
    for (int64_t begin = 0; begin < by->outputs; begin += PANEL) {
        const int64_t panel = by->outputs - begin < PANEL ? by->outputs - begin : PANEL;
        for (int64_t r = 0, tile_rows; r < rows; r += tile_rows) {
            tile_rows = rows - r < MAX_TILE_ROWS ? rows - r : MAX_TILE_ROWS;
            const int64_t step = tile_rows == 1 ? PANEL : TILE_WIDTH;
            for (int64_t within = 0; within < panel; within += step) {
                const int64_t width = panel - within < step ? panel - within : step;
                const float *weight = by->weight + begin * by->inputs + within, *from = x + r * x_stride;
                const float *bias = by->bias ? by->bias + begin + within : NULL;
                float *to = y + r * by->outputs + begin + within;
                switch (tile_rows * 8 + width / 16) { TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6) }
            }
        }
    }
}
