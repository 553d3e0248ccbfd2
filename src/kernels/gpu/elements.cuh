// The number formats of a network on a GPU, and the few instructions of its matrix units that the kernels use.
//
// ELEMENT names the format a file is compiled for. Memory moves in vectors of 16 bytes; a matrix product takes 32 bytes
// of each row, whatever the format: 16 numbers of 16 bits or 8 of 32 bits. `tests/gpu/host.cpp` has the instructions
// once more for the processor, lane by lane.
#pragma once

#include "arithmetic.cuh"

#define F16 0
#define BF16 1
#define TF32 2
#define F32 3

struct alignas(16) Vector {
    unsigned word[4];
};

#if ELEMENT == F16 || ELEMENT == BF16
typedef unsigned short Element;
#else
typedef float Element;
#endif

// Numbers of a vector.
constexpr int LANES = 16 / sizeof(Element);

// A kernel that is launched so may begin while the one before it is still at work: what it does before it waits must not
// touch what that one writes, and all it reads of others comes after.
__device__ inline void release_successor() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
__device__ inline void await_predecessor() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// For kernels that have nothing to do before.
__device__ inline void in_turn() {
    release_successor();
    await_predecessor();
}

#ifdef __CUDACC__
#define THREADS_OF(threads) __launch_bounds__(threads)

__device__ inline float widened(unsigned short bits) {
#if ELEMENT == F16
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
#else
    return __uint_as_float((unsigned)bits << 16);
#endif
}

__device__ inline unsigned short narrowed(float x) {
    unsigned short bits;
#if ELEMENT == F16
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
#else
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
#endif
    return bits;
}

__device__ inline float fast_exponential(float x) { return __expf(x); }
__device__ inline float fast_quotient(float a, float b) { return __fdividef(a, b); }

__device__ inline unsigned shared_address(const void* pointer) { return (unsigned)__cvta_generic_to_shared(pointer); }

// Starts to copy a vector into shared memory; zeros where it is not `there`, and `from` is then not read.
// `start_copy_kept` keeps it in the multiprocessor's cache, for whoever copies it again.
__device__ inline void start_copy(Vector* to, const void* from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0));
}
__device__ inline void start_copy_kept(Vector* to, const void* from, bool there) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0));
}
// What was started since the last time is a group.
__device__ inline void end_group() { asm volatile("cp.async.commit_group;"); }
// Waits until at most so many of the thread's last groups are under way.
template <int GROUPS> __device__ inline void wait_for_groups() { asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS)); }

// Four 8 x 16 byte matrices; lane l gives the address of row l % 8 of matrix l / 8 and gets of each matrix word l % 4 of
// row l / 4.
__device__ inline void load_matrices(unsigned (&words)[4], const Vector* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(shared_address(row)));
}

__device__ inline unsigned rounded_to_tf32(float x) {
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

// sums += a * b: a of 16 rows, b of 8, each of 32 bytes, as `load_matrices` leaves them.
__device__ inline void multiply_words(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
#if ELEMENT == F16
#define SHAPE "m16n8k16.row.col.f32.f16.f16.f32"
#elif ELEMENT == BF16
#define SHAPE "m16n8k16.row.col.f32.bf16.bf16.f32"
#else
#define SHAPE "m16n8k8.row.col.f32.tf32.tf32.f32"
#endif
    asm volatile("mma.sync.aligned." SHAPE " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL) && (ELEMENT == F16 || ELEMENT == BF16)
// Hopper's matrix units take 64 rows from four warps at once, and both factors from shared memory.
#define GROUPS_OF_WARPS

// Rows of 128 bytes, eight of them behind each other, in the order of `place`; at a multiple of 1024 bytes.
__device__ inline u64 described(const Vector* rows) {
    return (u64)(shared_address(rows) >> 4 & 0x3fff) | (u64)1 << 16 | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}
__device__ inline void start_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
// What was started goes on while other work is done, until it is waited for.
__device__ inline void end_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// At most so many of the groups that were started last are not done yet.
template <int GROUPS> __device__ inline void await_products() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(GROUPS) : "memory");
}
// What was copied is seen by the matrix units as well.
__device__ inline void show_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// A barrier in shared memory that counts arrivals, round by round. Whole pieces of memory come into shared memory by a copy
// engine, whose bytes it counts as well.
__device__ inline void prepare_barrier(u64* barrier, unsigned arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}
__device__ inline void arrive(u64* barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}
// Arrives once the thread's copies have.
__device__ inline void arrive_with_copies(u64* barrier) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(barrier)) : "memory");
}
// Arrives, and so many bytes will come in this round.
__device__ inline void arrive_and_expect(u64* barrier, unsigned bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
}
__device__ inline void start_piece(Vector* to, const void* from, unsigned bytes, u64* barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     shared_address(to)),
                 "l"(from), "r"(bytes), "r"(shared_address(barrier))
                 : "memory");
}
// Waits until all of a round have arrived.
__device__ inline void await_round(u64* barrier, unsigned round) {
    asm volatile(
        "{\n\t"
        ".reg .pred there;\n\t"
        "again:\n\t"
        "mbarrier.try_wait.parity.shared::cta.b64 there, [%0], %1;\n\t"
        "@!there bra again;\n\t"
        "}" ::"r"(shared_address(barrier)),
        "r"(round & 1)
        : "memory");
}

// Sums that were waited for are not read before.
template <int WIDTH> __device__ inline void settle(float (&sums)[WIDTH][4]) {
#pragma unroll
    for (int i = 0; i < WIDTH; i++)
        asm volatile("" : "+f"(sums[i][0]), "+f"(sums[i][1]), "+f"(sums[i][2]), "+f"(sums[i][3])::"memory");
}

#if ELEMENT == F16
#define FORMATS "f32.f16.f16"
#else
#define FORMATS "f32.bf16.bf16"
#endif
#define SUMS(i) "+f"(sums[i][0]), "+f"(sums[i][1]), "+f"(sums[i][2]), "+f"(sums[i][3])
#define FOUR_SUMS(i) SUMS(i), SUMS(i + 1), SUMS(i + 2), SUMS(i + 3)
#define FOUR_OF_FOUR_SUMS(i) FOUR_SUMS(i), FOUR_SUMS(i + 4), FOUR_SUMS(i + 8), FOUR_SUMS(i + 12)
#define NAMES_16 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define NAMES_32 NAMES_16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define NAMES_64                                                                                                         \
    NAMES_32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, " \
             "%53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define PRODUCT(columns, names, a, b)                                                                                    \
    "wgmma.mma_async.sync.aligned.m64n" columns "k16." FORMATS " {" names "}, " a ", " b ", 1, 1, 1, 0, 0;"

// Adds the products of 32 bytes of 64 rows and of WIDTH x 8 columns.
template <int WIDTH> __device__ inline void multiply_described(float (&sums)[WIDTH][4], u64 rows, u64 columns) {
    static_assert(WIDTH == 4 || WIDTH == 8 || WIDTH == 16, "there are no others");
    if constexpr (WIDTH == 4) {
        asm volatile(PRODUCT("32", NAMES_16, "%16", "%17") : FOUR_SUMS(0) : "l"(rows), "l"(columns));
    } else if constexpr (WIDTH == 8) {
        asm volatile(PRODUCT("64", NAMES_32, "%32", "%33") : FOUR_SUMS(0), FOUR_SUMS(4) : "l"(rows), "l"(columns));
    } else {
        asm volatile(PRODUCT("128", NAMES_64, "%64", "%65") : FOUR_OF_FOUR_SUMS(0) : "l"(rows), "l"(columns));
    }
}
#endif

// The sum over a warp, the same in each lane; the sum and the greatest of four neighbouring lanes, likewise.
__device__ inline float warp_sum(float x) {
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffff, x, step);
    return x;
}
__device__ inline float quad_sum(float x) {
    for (int step = 1; step < 4; step *= 2) x += __shfl_xor_sync(0xffffffff, x, step);
    return x;
}
__device__ inline float quad_maximum(float x) {
    for (int step = 1; step < 4; step *= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffff, x, step));
    return x;
}

// The block's own memory.
__device__ inline char* shared_memory() {
    extern __shared__ __align__(1024) char zoobench_shared[];
    return zoobench_shared;
}
#endif

__device__ inline float widened(float x) { return x; }

// Words of 32 bits as the matrix units take them.
struct Prepared {
    unsigned high, low;
};

__device__ inline Prepared prepared(unsigned word) {
#if ELEMENT == TF32
    return {rounded_to_tf32(__uint_as_float(word)), 0};
#elif ELEMENT == F32
    unsigned high = rounded_to_tf32(__uint_as_float(word));
    return {high, rounded_to_tf32(__uint_as_float(word) - __uint_as_float(high))};
#else
    return {word, 0};
#endif
}

// As `multiply_words`, of what is stored: rounded to 10 bits of mantissa (TF32), or as sums of two such numbers, whose
// product lacks the product of the two small ones only (F32).
__device__ inline void multiply(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
#if ELEMENT == F16 || ELEMENT == BF16
    multiply_words(sums, a, b0, b1);
#else
    Prepared rows[4] = {prepared(a[0]), prepared(a[1]), prepared(a[2]), prepared(a[3])};
    Prepared first = prepared(b0), second = prepared(b1);
    const unsigned high[4] = {rows[0].high, rows[1].high, rows[2].high, rows[3].high};
#if ELEMENT == F32
    const unsigned low[4] = {rows[0].low, rows[1].low, rows[2].low, rows[3].low};
    multiply_words(sums, low, first.high, second.high);
    multiply_words(sums, high, first.low, second.low);
#endif
    multiply_words(sums, high, first.high, second.high);
#endif
}

// The numbers of a vector.
__device__ inline void unpack(const Vector& vector, float* numbers) {
#if ELEMENT == F16 || ELEMENT == BF16
    for (int i = 0; i < 4; i++) {
        numbers[2 * i] = widened((unsigned short)(vector.word[i] & 0xffff));
        numbers[2 * i + 1] = widened((unsigned short)(vector.word[i] >> 16));
    }
#else
    for (int i = 0; i < 4; i++) numbers[i] = __uint_as_float(vector.word[i]);
#endif
}

#ifndef __CUDACC__
// The sum of the products of two vectors' numbers.
static inline float product(const Vector& a, const Vector& b) {
    float numbers[LANES], others[LANES], sum = 0.0f;
    unpack(a, numbers);
    unpack(b, others);
    for (int i = 0; i < LANES; i++) {
#if ELEMENT == TF32
        sum += __uint_as_float(rounded_to_tf32(numbers[i])) * __uint_as_float(rounded_to_tf32(others[i]));
#else
        sum += numbers[i] * others[i];
#endif
    }
    return sum;
}
#endif

__device__ inline Vector pack(const float* numbers) {
    Vector vector;
#if ELEMENT == F16 || ELEMENT == BF16
    for (int i = 0; i < 4; i++)
        vector.word[i] = (unsigned)narrowed(numbers[2 * i]) | (unsigned)narrowed(numbers[2 * i + 1]) << 16;
#else
    for (int i = 0; i < 4; i++) vector.word[i] = __float_as_uint(numbers[i]);
#endif
    return vector;
}

__device__ inline Vector load_vector(const Element* from) { return *reinterpret_cast<const Vector*>(from); }
__device__ inline void store_vector(Element* to, const Vector& vector) { *reinterpret_cast<Vector*>(to) = vector; }

__device__ inline float logistic(float x) { return fast_quotient(1.0f, 1.0f + fast_exponential(-x)); }
