/* Sixteen floats at a time, in the compiler's own vector types: one instruction where the processor has 512 bits,
 * two where it has 256. */
#ifndef OCTAVO_VECTORS_H
#define OCTAVO_VECTORS_H

#include <stdint.h>
#include <string.h>

#define LANES 16

typedef float floats __attribute__((vector_size(64)));
typedef int32_t ints __attribute__((vector_size(64)));
typedef uint16_t bf16;

static inline floats load(const float *from) {
    floats x;
    memcpy(&x, from, sizeof x);
    return x;
}

static inline void store(float *to, floats x) { memcpy(to, &x, sizeof x); }

static inline floats all(float x) { return x - (floats){0}; }

static inline float sum(floats x) {
    x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    x += __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    return x[0];
}

static inline floats choose(ints mask, floats yes, floats no) {
    return (floats)((mask & (ints)yes) | (~mask & (ints)no));
}

/* e to the x within 2 units in the last place; below -87 it is 0. Cody & Waite's reduction, a Taylor-like polynomial. */
static inline floats exponential(floats x) {
    const ints small = x < all(-87.0f);
    x = choose(small, all(-87.0f), x);
    x = choose(x > all(88.0f), all(88.0f), x);
    const floats magic = all(12582912.0f); /* 1.5 * 2^23: adding it rounds to a whole number */
    const floats n = (x * 1.44269504f + magic) - magic;
    const floats r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    floats p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const ints power = (__builtin_convertvector(n, ints) + 127) << 23;
    return choose(small, all(0.0f), p * (floats)power);
}

/* Sixteen bf16 numbers as floats: they are the upper halves of floats. */
static inline floats load_bf16(const bf16 *from) {
    typedef uint16_t halves __attribute__((vector_size(32)));
    typedef uint32_t words __attribute__((vector_size(64)));
    halves h;
    memcpy(&h, from, sizeof h);
    return (floats)(__builtin_convertvector(h, words) << 16);
}

/* Rounded to the nearest, ties to even. */
static inline void store_bf16(bf16 *to, floats x) {
    typedef uint16_t halves __attribute__((vector_size(32)));
    typedef uint32_t words __attribute__((vector_size(64)));
    const words bits = (words)x;
    const words rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    const halves h = __builtin_convertvector(rounded, halves);
    memcpy(to, &h, sizeof h);
}

/* The same from and to memory of either kind. */
static inline floats load_any(const void *from, long at, int half) {
    return half ? load_bf16((const bf16 *)from + at) : load((const float *)from + at);
}

static inline void store_any(void *to, long at, floats x, int half) {
    if (half) store_bf16((bf16 *)to + at, x);
    else store((float *)to + at, x);
}

#endif
