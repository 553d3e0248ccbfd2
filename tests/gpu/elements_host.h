// What `elements.cuh` has for a GPU only, for the processor: conversions between formats, and fast functions. Included
// before it, with ELEMENT defined.
#pragma once

#if ELEMENT == 0
static inline float widened(unsigned short bits) {
    _Float16 x;
    std::memcpy(&x, &bits, sizeof bits);
    return (float)x;
}
static inline unsigned short narrowed(float x) {
    _Float16 half = (_Float16)x;
    unsigned short bits;
    std::memcpy(&bits, &half, sizeof bits);
    return bits;
}
#else
static inline float widened(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }
// To nearest, ties to even; not for NaN.
static inline unsigned short narrowed(float x) {
    unsigned bits = __float_as_uint(x);
    return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
#endif

static inline float fast_exponential(float x) { return std::exp(x); }
static inline float fast_quotient(float a, float b) { return a / b; }

// To nearest, ties away from zero.
static inline unsigned rounded_to_tf32(float x) { return (__float_as_uint(x) + 0x1000u) & ~0x1fffu; }

#ifndef BLOCKS
// Nothing here uses matrix units.
void multiply_words(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
#endif
