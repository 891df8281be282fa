/* Vectors of floats in the compiler's vector types: as many lanes as a register of the CPU holds. */
#ifndef OCTAVO_SIMD_H
#define OCTAVO_SIMD_H

#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#define LANES 16
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
#else
#define LANES 8
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7}
#endif

/* Always inline: where registers are narrower than a vector, a call would pass it in memory. The compiler's warning
 * about the calling convention of vectors does not apply then. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));
typedef uint16_t bf16;

INLINE floats load(const float *from) {
    floats x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINE void store(float *to, floats x) { memcpy(to, &x, sizeof x); }

INLINE floats broadcast(float x) { return x - (floats){0}; }

INLINE ints load_ints(const int32_t *from) {
    ints x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINE void store_ints(int32_t *to, ints x) { memcpy(to, &x, sizeof x); }

INLINE ints lane_numbers(void) { return (ints)LANE_NUMBERS; }

INLINE float reduce_sum(floats x) {
    float fours[LANES / 4][4], t[4];
    memcpy(fours, &x, sizeof fours);
    for (int i = 0; i < 4; i++) {
#if LANES == 16
        t[i] = (fours[0][i] + fours[2][i]) + (fours[1][i] + fours[3][i]);
#else
        t[i] = fours[0][i] + fours[1][i];
#endif
    }
    return (t[0] + t[2]) + (t[1] + t[3]);
}

/* yes where the lane of mask is -1, no where it is 0. */
INLINE floats where(ints mask, floats yes, floats no) {
    return (floats)((mask & (ints)yes) | (~mask & (ints)no));
}

INLINE floats maximum(floats a, floats b) { return where(a > b, a, b); }

INLINE float scalar_maximum(float a, float b) { return a > b ? a : b; }

INLINE float reduce_maximum(floats x) {
    float fours[LANES / 4][4], t[4];
    memcpy(fours, &x, sizeof fours);
    for (int i = 0; i < 4; i++) {
#if LANES == 16
        t[i] = scalar_maximum(scalar_maximum(fours[0][i], fours[2][i]), scalar_maximum(fours[1][i], fours[3][i]));
#else
        t[i] = scalar_maximum(fours[0][i], fours[1][i]);
#endif
    }
    return scalar_maximum(scalar_maximum(t[0], t[2]), scalar_maximum(t[1], t[3]));
}

/* e^x within 2 units in the last place; 0 below -87. Cody & Waite's range reduction, then a polynomial. */
INLINE floats exponential(floats x) {
    const ints small = x < broadcast(-87.0f);
    x = where(small, broadcast(-87.0f), x);
    x = where(x > broadcast(88.0f), broadcast(88.0f), x);
    const floats magic = broadcast(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    const floats n = (x * 1.44269504f + magic) - magic;
    const floats r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    floats p = broadcast(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const ints power = (__builtin_convertvector(n, ints) + 127) << 23;
    return where(small, broadcast(0.0f), p * (floats)power);
}

/* The error function within 2 units in the last place. Coefficients of N. Juffa (2016). */
INLINE floats error_function(floats x) {
    const ints sign = (ints)x & INT32_MIN;
    const floats t = (floats)((ints)x & INT32_MAX), s = x * x;
    floats far = t * -1.72853470e-5f + 3.83197126e-4f;
    far = far * s + (t * -3.88396438e-3f + 2.42546219e-2f);
    far = far * t - 1.06777877e-1f;
    far = far * t - 6.34846687e-1f;
    far = far * t - 1.28717512e-1f;
    far = 1 - exponential(far * t - t);
    floats near = s * -5.96761703e-4f + 4.99119423e-3f;
    near = near * s - 2.67681349e-2f;
    near = near * s + 1.12819925e-1f;
    near = near * s - 3.76125336e-1f;
    near = near * s + 1.28379166e-1f;
    return where(t > broadcast(0.927734375f), (floats)((ints)far | sign), near * x + x);
}

/* A bf16 number is the upper half of a float. */
INLINE floats load_bf16(const bf16 *from) {
    halves h;
    memcpy(&h, from, sizeof h);
    return (floats)(__builtin_convertvector(h, words) << 16);
}

/* Round to nearest, ties to even. */
INLINE void store_bf16(bf16 *to, floats x) {
    const words bits = (words)x;
    const words rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    const halves h = __builtin_convertvector(rounded, halves);
    memcpy(to, &h, sizeof h);
}

/* Load from, and store to, memory of either data type; `at` counts elements. */
INLINE floats load_any(const void *from, long at, int is_bf16) {
    return is_bf16 ? load_bf16((const bf16 *)from + at) : load((const float *)from + at);
}

INLINE void store_any(void *to, long at, floats x, int is_bf16) {
    if (is_bf16) store_bf16((bf16 *)to + at, x);
    else store((float *)to + at, x);
}

#endif
