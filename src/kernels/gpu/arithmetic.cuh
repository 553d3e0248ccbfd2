// Arithmetic that the kernels share, in the operations and the order of the Rust code that is their yardstick.
//
// Plain CUDA C++ without barriers or shared memory: every thread's work is a loop body of its own, so that a host
// compiler can run the same source. Products and sums must not be contracted (nvcc: --fmad=false).
#pragma once

typedef unsigned long long u64;

// The first index of a thread, and how far it is to its next one.
__device__ inline u64 first_index() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ inline u64 index_step() { return (u64)gridDim.x * blockDim.x; }

#define EACH(index, count) (u64 index = first_index(); index < (u64)(count); index += index_step())

// a * b + c, rounded to float32 once (up to double rounding), as `fused` in detection/sigmoid.rs.
__device__ inline float fused(float a, float b, float c) { return (float)((double)a * (double)b + (double)c); }

__device__ inline float power_of_two(int power) { return __uint_as_float((unsigned)(power + 127) << 23); }

// exp as in detection/sigmoid.rs, to the bit. NaN gives NaN.
__device__ inline float exponential(float x) {
    const float limit = 104.0f, rounder = 12582912.0f;
    x = x < -limit ? -limit : x;
    x = x > limit ? limit : x;
    float rounded = x * 1.44269504088896340736f + rounder;
    float power = rounded - rounder;
    float rest = fused(power, -1.4286068e-6f, fused(power, -0.69314575f, x));
    float series = 1.9852762e-4f;
    series = fused(series, rest, 1.3930436e-3f);
    series = fused(series, rest, 8.333361e-3f);
    series = fused(series, rest, 4.1666485e-2f);
    series = fused(series, rest, 0.16666667f);
    series = fused(series, rest, 0.5f);
    float mantissa = 1.0f + fused(rest * rest, series, rest);
    // In unsigned numbers, which wrap: what NaN gives here is multiplied by NaN.
    int whole = (int)(__float_as_uint(rounded) - __float_as_uint(rounder));
    int half = whole >> 1;
    return mantissa * power_of_two(half) * power_of_two(whole - half);
}

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

__device__ inline bool is_finite(float x) { return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u; }

// Bits that order as the numbers do, NaN aside.
__device__ inline unsigned ordered_bits(float x) {
    unsigned bits = __float_as_uint(x);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ inline float of_ordered_bits(unsigned bits) {
    return __uint_as_float(bits & 0x80000000u ? bits & 0x7fffffffu : ~bits);
}
