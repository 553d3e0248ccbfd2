// Blocks of threads on the processor: what kernels have of barriers, shared memory, warps and matrix units.
//
// Each thread of a block is a context of its own, and one of them runs at a time: a warp's threads until all of them ask
// each other or wait at the block's barrier, then the next warp's. Copies into shared memory are done when they are started,
// so that it does not show whether a kernel waits for them long enough; everything else that a thread does too early or
// too late is seen by others, as on a GPU. Included before the kernels, with ELEMENT defined.
#pragma once

#include <ucontext.h>

#include <functional>
#include <memory>

using std::max;
using std::min;

#define BLOCK_OF(threads, blocks)
#define THREADS_OF(threads)

// What a thread waits for.
enum class Waiting { Nothing, Warp, Block };

struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    Waiting waiting;
    bool ended;
    unsigned exchanges;
};

struct Words {
    unsigned word[8];
};

static const std::size_t STACK = 64 << 10;
static std::vector<Thread> block_threads;
static ucontext_t scheduler;
static unsigned current;
static std::function<void()> body;
// What the lanes of the running warp show each other, this time and the time before.
static Words shown[2][32];
static std::unique_ptr<char[]> shared_bytes_of_block;

static void wait(Waiting what) {
    block_threads[current].waiting = what;
    swapcontext(&block_threads[current].context, &scheduler);
}

static inline void __syncthreads() { wait(Waiting::Block); }
static inline void __threadfence() {}

// The words of all lanes of the warp, which every lane shows at the same time.
static const Words* show(const Words& words) {
    unsigned turn = block_threads[current].exchanges++ % 2;
    shown[turn][current % 32] = words;
    wait(Waiting::Warp);
    return shown[turn];
}

static inline float __shfl_xor_sync(unsigned, float x, int step) {
    return __uint_as_float(show({{__float_as_uint(x)}})[current % 32 ^ step].word[0]);
}

static char* shared_memory() { return shared_bytes_of_block.get() + (-reinterpret_cast<std::uintptr_t>(shared_bytes_of_block.get()) & 1023); }

static void thread_body() {
    body();
    block_threads[current].ended = true;
    for (;;) wait(Waiting::Nothing);
}

// Lets a thread run until it waits or ends.
static void resume(unsigned thread) {
    current = thread;
    threadIdx.x = thread;
    block_threads[thread].waiting = Waiting::Nothing;
    swapcontext(&scheduler, &block_threads[thread].context);
}

// Runs a warp's threads until all of them wait for the block or have ended.
static void run_warp(unsigned first) {
    for (;;) {
        unsigned live = 0, in_warp = 0;
        for (unsigned thread = first; thread < first + 32; thread++) {
            if (block_threads[thread].ended) continue;
            resume(thread);
            if (block_threads[thread].ended) continue;
            live++;
            in_warp += block_threads[thread].waiting == Waiting::Warp;
        }
        if (in_warp == 0) return;
        if (in_warp != live) fail("lanes of a warp wait for different things");
    }
}

static void run_block(unsigned threads, unsigned bytes) {
    if (threads % 32 != 0) fail("a block of half a warp");
    shared_bytes_of_block.reset(new char[bytes + 1024]);
    std::memset(shared_bytes_of_block.get(), 0xff, bytes + 1024);
    block_threads.resize(threads);
    for (Thread& thread : block_threads) {
        if (!thread.stack) thread.stack.reset(new char[STACK]);
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = thread.stack.get();
        thread.context.uc_stack.ss_size = STACK;
        thread.context.uc_link = nullptr;
        thread.ended = false;
        thread.exchanges = 0;
        makecontext(&thread.context, thread_body, 0);
    }
    for (bool live = true; live;) {
        for (unsigned first = 0; first < threads; first += 32) run_warp(first);
        live = false;
        for (const Thread& thread : block_threads) live |= !thread.ended;
    }
}

// Runs a kernel's blocks one after the other, the last one first.
static void run_blocks(const std::function<void()>& kernel, unsigned threads, unsigned bytes) {
    body = kernel;
    for (unsigned z = gridDim.z; z-- > 0;)
        for (unsigned y = gridDim.y; y-- > 0;)
            for (unsigned x = gridDim.x; x-- > 0;) {
                blockIdx.x = x;
                blockIdx.y = y;
                blockIdx.z = z;
                run_block(threads, bytes);
            }
}

// What `elements.cuh` has of matrix units and copies.
struct Vector;
static inline void copy_vector(void* to, const void* from, bool there) {
    if (there) std::memcpy(to, from, 16);
    else std::memset(to, 0, 16);
}
static inline void start_copy(Vector* to, const void* from, bool there) { copy_vector(to, from, there); }
static inline void start_copy_kept(Vector* to, const void* from, bool there) { copy_vector(to, from, there); }
static inline void end_group() {}
template <int GROUPS> static inline void wait_for_groups() {}

// The product of two words: of two pairs of numbers, or of two.
static inline float word_product(unsigned a, unsigned b) {
#if ELEMENT == 0 || ELEMENT == 1
    return widened((unsigned short)(a & 0xffff)) * widened((unsigned short)(b & 0xffff)) +
           widened((unsigned short)(a >> 16)) * widened((unsigned short)(b >> 16));
#else
    return __uint_as_float(a) * __uint_as_float(b);
#endif
}

static inline void multiply_words(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    const Words* all = show({{a[0], a[1], a[2], a[3], b0, b1}});
    unsigned lane = current % 32;
    for (unsigned k = 0; k < 4; k++)
        for (unsigned member = 0; member < 4; member++) {
            const Words &row = all[lane / 4 * 4 + member], &column = all[(lane % 4 * 2 + k % 2) * 4 + member];
            sums[k] += word_product(row.word[k / 2], column.word[4]) + word_product(row.word[k / 2 + 2], column.word[5]);
        }
}

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

static inline float warp_sum(float x) {
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(~0u, x, step);
    return x;
}
static inline float quad_sum(float x) {
    for (int step = 1; step < 4; step *= 2) x += __shfl_xor_sync(~0u, x, step);
    return x;
}
static inline float quad_maximum(float x) {
    for (int step = 1; step < 4; step *= 2) x = std::fmax(x, __shfl_xor_sync(~0u, x, step));
    return x;
}
