// Runs the kernels of src/kernels/gpu on the processor, one thread of theirs after the other, by commands on standard
// input. Compiled with sanitizers, so that a kernel that leaves its buffers ends the program.
//
//   A words                          a new buffer of zeros; buffers are numbered from 0
//   W buffer words, then the words   writes them
//   R buffer words                   answers with them
//   F buffer                         gives it back
//   L name threads backwards arguments...   runs a kernel; an argument is wBUFFER:OFFSET, uNUMBER, lNUMBER or fBITS
//   B name columns rows layers threads bytes arguments...   runs a kernel that works in blocks, on a grid, with so many
//                                    threads and bytes of shared memory a block
//
// With ELEMENT defined it has the network's kernels in that format as well: those that work in blocks as plain twins, or with
// BLOCKS defined as they are, each thread of a block on its own.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

struct Dimensions {
    unsigned x, y, z;
};
static Dimensions blockIdx, blockDim, gridDim, threadIdx;
static unsigned shared_bytes;
#define __global__
#define __device__

static inline unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
static inline unsigned atomicAdd(unsigned* to, unsigned value) {
    unsigned before = *to;
    *to += value;
    return before;
}
static inline unsigned atomicMax(unsigned* to, unsigned value) {
    unsigned before = *to;
    if (value > before) *to = value;
    return before;
}

#include "../../src/kernels/gpu/candidates.cu"
#include "../../src/kernels/gpu/masks.cu"
#include "../../src/kernels/gpu/suppression.cu"

[[noreturn]] static void fail(const std::string& what) {
    std::fprintf(stderr, "host.cpp: %s\n", what.c_str());
    std::exit(3);
}

#ifdef ELEMENT
#include "elements_host.h"
#ifdef BLOCKS
#include "blocks.h"
#include "../../src/kernels/gpu/convolution.cu"
#include "../../src/kernels/gpu/guidance.cu"
#include "../../src/kernels/gpu/maps.cu"
#else
// It sums over a warp, which `twins.h` does otherwise.
#define inverse_lengths inverse_lengths_by_warps
static inline float warp_sum_of_one(float x) { return x; }
#define warp_sum warp_sum_of_one
#include "../../src/kernels/gpu/maps.cu"
#undef inverse_lengths
#undef warp_sum
#endif
#endif

static std::map<unsigned, std::pair<unsigned*, std::size_t>> buffers;

static std::pair<unsigned*, std::size_t>& buffer(unsigned number) {
    auto found = buffers.find(number);
    if (found == buffers.end()) fail("no such buffer");
    return found->second;
}

#if defined(ELEMENT) && !defined(BLOCKS)
#include "twins.h"
#endif

// An argument as the kernel's parameter: its kind must be the parameter's.
template <typename T> struct Parse;
template <typename T> struct Parse<T*> {
    static T* of(const std::string& word) {
        std::size_t colon = word.find(':');
        if (word[0] != 'w' || colon == std::string::npos) fail("not a buffer: " + word);
        auto& memory = buffer(std::stoul(word.substr(1, colon - 1)));
        unsigned* start = memory.first + std::stoull(word.substr(colon + 1));
        if (reinterpret_cast<std::uintptr_t>(start) % alignof(T) != 0) fail("not aligned: " + word);
        return reinterpret_cast<T*>(start);
    }
};
template <> struct Parse<unsigned> {
    static unsigned of(const std::string& word) {
        if (word[0] != 'u') fail("not a number: " + word);
        return std::stoul(word.substr(1));
    }
};
template <> struct Parse<u64> {
    static u64 of(const std::string& word) {
        if (word[0] != 'l') fail("not a great number: " + word);
        return std::stoull(word.substr(1));
    }
};
template <> struct Parse<float> {
    static float of(const std::string& word) {
        if (word[0] != 'f') fail("not a real number: " + word);
        return __uint_as_float(std::stoul(word.substr(1)));
    }
};

// Whether a kernel does all its blocks' work in one call.
static bool in_blocks;

template <typename... P, std::size_t... I>
static void call(void (*kernel)(P...), const std::vector<std::string>& words, bool backwards,
                 std::index_sequence<I...>) {
    if (words.size() != sizeof...(P)) fail("not as many arguments as the kernel takes");
    std::tuple<P...> arguments{Parse<P>::of(words[I])...};
    if (in_blocks) {
#ifdef BLOCKS
        run_blocks([&] { kernel(std::get<I>(arguments)...); }, blockDim.x, shared_bytes);
#else
        kernel(std::get<I>(arguments)...);
#endif
        return;
    }
    unsigned threads = gridDim.x * blockDim.x;
    for (unsigned number = 0; number < threads; number++) {
        unsigned thread = backwards ? threads - 1 - number : number;
        blockIdx.x = thread / blockDim.x;
        threadIdx.x = thread % blockDim.x;
        kernel(std::get<I>(arguments)...);
    }
}

template <typename... P>
static bool run(const std::string& name, const char* wanted, void (*kernel)(P...), const std::vector<std::string>& words,
                bool backwards) {
    if (name != wanted) return false;
    call(kernel, words, backwards, std::index_sequence_for<P...>{});
    return true;
}

static void launch_blocks(std::istringstream& line) {
    std::string name, word;
    line >> name >> gridDim.x >> gridDim.y >> gridDim.z >> blockDim.x >> shared_bytes;
    std::vector<std::string> words;
    while (line >> word) words.push_back(word);
    in_blocks = true;
#ifdef ELEMENT
#define BLOCK_KERNEL(kernel) run(name, #kernel, kernel, words, false)
    if (BLOCK_KERNEL(convolve_128x128x4) || BLOCK_KERNEL(convolve_128x64x4) || BLOCK_KERNEL(convolve_64x128x4) || BLOCK_KERNEL(convolve_64x64x4) ||
        BLOCK_KERNEL(convolve_64x64x8) || BLOCK_KERNEL(convolve_128x32x4) || BLOCK_KERNEL(convolve_64x32x4) || BLOCK_KERNEL(convolve_64x32x8) || BLOCK_KERNEL(inverse_lengths) || BLOCK_KERNEL(attend_1) || BLOCK_KERNEL(attend_2) || BLOCK_KERNEL(attend_4) ||
        BLOCK_KERNEL(pool_tokens))
        return;
#endif
    fail("no kernel that works in blocks is called " + name);
}

static void launch(std::istringstream& line) {
    std::string name, word;
    unsigned threads, backwards;
    line >> name >> threads >> backwards;
    std::vector<std::string> words;
    while (line >> word) words.push_back(word);
    blockDim.x = 32;
    gridDim.x = threads < 32 ? 1 : threads / 32;
    in_blocks = false;
#ifdef BLOCKS
    // Lanes of its warps ask each other.
    in_blocks = name == "attend_tokens";
    shared_bytes = 0;
    gridDim.y = gridDim.z = 1;
#endif
#ifdef ELEMENT
#define EACH_KERNEL(kernel) run(name, #kernel, kernel, words, backwards != 0)
    if (EACH_KERNEL(write_bytes) || EACH_KERNEL(write_planes) || EACH_KERNEL(copy_maps) || EACH_KERNEL(add_maps) ||
        EACH_KERNEL(upsample_maps) || EACH_KERNEL(pool_maps) || EACH_KERNEL(attend_tokens))
        return;
#endif
#define KERNEL(kernel) run(name, #kernel, kernel, words, backwards != 0)
    if (!(KERNEL(expected_distances) || KERNEL(decode_boxes) || KERNEL(collect_candidates) || KERNEL(count_digits) ||
          KERNEL(choose_digit) || KERNEL(keep_best) || KERNEL(rank_candidates) || KERNEL(largest_coordinate) ||
          KERNEL(shift_boxes) || KERNEL(suppress_by_survivors) || KERNEL(suppress_in_stretch) ||
          KERNEL(choose_survivors) || KERNEL(describe_survivors) || KERNEL(place_masks) ||
          KERNEL(gather_coefficients) || KERNEL(mask_probabilities) || KERNEL(assemble_masks)))
        fail("no kernel " + name);
}

int main() {
    unsigned next = 0;
    std::string text;
    while (std::getline(std::cin, text)) {
        std::istringstream line(text);
        char command;
        unsigned number;
        std::size_t words;
        line >> command;
        if (command == 'L') {
            launch(line);
        } else if (command == 'B') {
            launch_blocks(line);
        } else if (command == 'A') {
            line >> words;
            buffers[next++] = {static_cast<unsigned*>(std::calloc(words, 4)), words};
        } else if (command == 'F') {
            line >> number;
            std::free(buffer(number).first);
            buffers.erase(number);
        } else {
            line >> number >> words;
            auto& memory = buffer(number);
            if (words > memory.second) fail("more than the buffer has");
            if (command == 'W') {
                std::cin.read(reinterpret_cast<char*>(memory.first), 4 * words);
            } else {
                std::cout.write(reinterpret_cast<char*>(memory.first), 4 * words);
                std::cout.flush();
            }
        }
    }
}
