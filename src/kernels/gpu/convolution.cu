// Convolutions of maps in the order rows, columns, channels, on a GPU's matrix units.
//
// A convolution is the product of a matrix of pixels by taps and channels, which is gathered from the input as it is
// needed, with the weights. A block computes a tile of the result; tiles of both factors come in slices of 128 bytes a
// row through several stages of shared memory, filled asynchronously. Where there are fewer tiles than would fill the
// GPU, several blocks share one, each with a part of the slices; the last of them to arrive adds the parts up in their
// order, so that the result is the same every time.
#include "elements.cuh"

// Bits of `what`.
#define SILU 1u      // x * logistic(x)
#define RESIDUAL 2u  // `residual` is added last
#define PLANES 4u    // float32 planes, channel by channel, of one image, instead of pixels
#define FACTORS 8u   // each pixel's sums are multiplied by its factor before the bias is added

// How far apart the vectors of a row are in shared memory does not depend on the row; which of its eight places a vector
// has does, so that eight rows' vectors of one column lie in eight different banks.
__device__ inline int place(int row, int vector) { return row * 8 + (vector ^ (row & 7)); }

template <int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, int STAGES> struct Tile {
    static constexpr int THREADS = 32 * WARP_ROWS * WARP_COLUMNS;
    static constexpr int SLICE = 8 * LANES;
    static constexpr int ROW_VECTORS = ROWS * 8 / THREADS;
    static constexpr int COLUMN_VECTORS = COLUMNS * 8 / THREADS;
    static constexpr int HEIGHT = ROWS / WARP_ROWS / 16;
    static constexpr int WIDTH = COLUMNS / WARP_COLUMNS / 8;
    static constexpr int STAGE = (ROWS + COLUMNS) * 8;
    // Words from a row of sums to the next: a multiple of 4, and 8 rows in different banks.
    static constexpr int PITCH = COLUMNS + 4;
    static_assert(ROW_VECTORS * THREADS == ROWS * 8 && COLUMN_VECTORS * THREADS == COLUMNS * 8, "whole vectors a thread");
    static_assert(WIDTH % 2 == 0, "two columns of eight are loaded at once");
    static_assert(ROWS * PITCH * 4 <= STAGES * STAGE * 16, "the sums fit where the factors were");
};

// input      [images][in_height][in_width], pixels in_pitch numbers apart, of in_channels numbers each
// weights    [out_channels][slices x SLICE]: rows of taps of channels, zeros behind
// bias       [out_channels]
// residual   [images][out_height][out_width], pixels residual_pitch apart
// output     likewise, out_pitch apart; or planes [out_channels][out_height x out_width] of one image
// factors    [out_height x out_width] of one image
// parts      a tile for each block; arrived: zeros, a word for each tile, which are zeros again at the end
//
// in_channels, out_channels and all pitches are multiples of LANES (out_channels of planes need not be); pointers are
// those of vectors. kernel / 2 zeros surround the input. The grid is [column tiles][row tiles][parts].
template <int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, int STAGES>
__device__ inline void convolve(const Element* input, const Element* weights, const float* bias, const Element* residual,
                                Element* output, float* planes, const float* factors, float* parts, unsigned* arrived,
                                unsigned images, unsigned in_height, unsigned in_width, unsigned in_pitch,
                                unsigned in_channels, unsigned out_height, unsigned out_width, unsigned out_pitch,
                                unsigned out_channels, unsigned residual_pitch, unsigned kernel, unsigned stride,
                                unsigned slices, unsigned what) {
    typedef Tile<ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES> T;
    Vector* stages = reinterpret_cast<Vector*>(shared_memory());
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const unsigned pixels = images * out_height * out_width;
    const unsigned first_pixel = blockIdx.y * ROWS, first_channel = blockIdx.x * COLUMNS;

    // Each thread copies one column of vectors of some rows.
    const int column = thread % 8, first_row = thread / 8;
    constexpr int STEP = T::THREADS / 8;
    int start[T::ROW_VECTORS], top[T::ROW_VECTORS], left[T::ROW_VECTORS];
    for (int i = 0; i < T::ROW_VECTORS; i++) {
        unsigned pixel = first_pixel + first_row + i * STEP;
        unsigned image = pixel / (out_height * out_width), rest = pixel % (out_height * out_width);
        top[i] = pixel < pixels ? (int)(rest / out_width * stride) - (int)(kernel / 2) : -(1 << 20);
        left[i] = (int)(rest % out_width * stride) - (int)(kernel / 2);
        start[i] = ((int)(image * in_height) + top[i]) * (int)in_width + left[i];
    }

    // This block's part of the slices.
    const unsigned from = (unsigned)((u64)slices * blockIdx.z / gridDim.z);
    const unsigned until = (unsigned)((u64)slices * (blockIdx.z + 1) / gridDim.z);
    // The tap and the channel at which this thread's column of the next slice begins.
    unsigned channel = (from * 8 + column) * LANES, down = channel / in_channels / kernel;
    unsigned right = channel / in_channels % kernel;
    channel %= in_channels;
    const Element* weight = weights + ((u64)(first_channel + first_row) * slices + from) * T::SLICE + column * LANES;

    auto copy_slice = [&](unsigned slice) {
        Vector* to = stages + (slice - from) % STAGES * T::STAGE;
#pragma unroll
        for (int i = 0; i < T::ROW_VECTORS; i++) {
            bool there = down < kernel && (unsigned)(top[i] + (int)down) < in_height && (unsigned)(left[i] + (int)right) < in_width;
            long long pixel = start[i] + (int)(down * in_width + right);
            start_copy(to + place(first_row + i * STEP, column), there ? input + pixel * in_pitch + channel : input, there);
        }
        to += ROWS * 8;
#pragma unroll
        for (int i = 0; i < T::COLUMN_VECTORS; i++) {
            bool there = first_channel + first_row + i * STEP < out_channels;
            const Element* row = weight + (u64)(i * STEP) * slices * T::SLICE;
            start_copy(to + place(first_row + i * STEP, column), there ? row : weights, there);
        }
        weight += T::SLICE;
        channel += T::SLICE;
        while (channel >= in_channels) {
            channel -= in_channels;
            if (++right == kernel) {
                right = 0;
                down++;
            }
        }
    };

    float sums[T::HEIGHT][T::WIDTH][4];
#pragma unroll
    for (int i = 0; i < T::HEIGHT; i++)
#pragma unroll
        for (int j = 0; j < T::WIDTH; j++)
#pragma unroll
            for (int k = 0; k < 4; k++) sums[i][j][k] = 0.0f;

    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (from + stage < until) copy_slice(from + stage);
        end_group();
    }
    const int warp_row = warp / WARP_COLUMNS * T::HEIGHT * 16, warp_column = warp % WARP_COLUMNS * T::WIDTH * 8;
    for (unsigned slice = from; slice < until; slice++) {
        wait_for_groups<STAGES - 2>();
        // All copies of this slice are there, and nobody reads any longer from the stage that is filled next.
        __syncthreads();
        if (slice + STAGES - 1 < until) copy_slice(slice + STAGES - 1);
        end_group();
        const Vector* rows = stages + (slice - from) % STAGES * T::STAGE;
        const Vector* columns = rows + ROWS * 8;
#pragma unroll
        for (int part = 0; part < 4; part++) {
            unsigned a[T::HEIGHT][4], b[T::WIDTH / 2][4];
#pragma unroll
            for (int i = 0; i < T::HEIGHT; i++)
                load_matrices(a[i], rows + place(warp_row + i * 16 + lane % 16, part * 2 + lane / 16));
#pragma unroll
            for (int j = 0; j < T::WIDTH / 2; j++)
                load_matrices(b[j], columns + place(warp_column + j * 16 + lane / 16 * 8 + lane % 8, part * 2 + lane / 8 % 2));
#pragma unroll
            for (int i = 0; i < T::HEIGHT; i++)
#pragma unroll
                for (int j = 0; j < T::WIDTH; j++) multiply(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
    }
    wait_for_groups<0>();
    __syncthreads();

    // The sums go through shared memory, so that they leave in whole vectors.
    float* tile = reinterpret_cast<float*>(stages);
#pragma unroll
    for (int i = 0; i < T::HEIGHT; i++)
#pragma unroll
        for (int j = 0; j < T::WIDTH; j++)
#pragma unroll
            for (int k = 0; k < 4; k++)
                tile[(warp_row + i * 16 + lane / 4 + k / 2 * 8) * T::PITCH + warp_column + j * 8 + lane % 4 * 2 + k % 2] = sums[i][j][k];
    __syncthreads();

    if (gridDim.z > 1) {
        const unsigned number = blockIdx.y * gridDim.x + blockIdx.x;
        float* part = parts + ((u64)number * gridDim.z) * (ROWS * COLUMNS);
        float* own = part + (u64)blockIdx.z * (ROWS * COLUMNS);
        for (int i = thread; i < ROWS * COLUMNS; i += T::THREADS) own[i] = tile[i / COLUMNS * T::PITCH + i % COLUMNS];
        __threadfence();
        __syncthreads();
        // Behind the sums there is room: a pitch is wider than a row.
        unsigned* last = reinterpret_cast<unsigned*>(tile + COLUMNS);
        if (thread == 0) {
            *last = atomicAdd(arrived + number, 1u) == gridDim.z - 1;
            if (*last) arrived[number] = 0;
        }
        __syncthreads();
        if (!*last) return;
        __threadfence();
        for (int i = thread; i < ROWS * COLUMNS; i += T::THREADS) {
            float sum = 0.0f;
            for (unsigned z = 0; z < gridDim.z; z++) sum += part[(u64)z * (ROWS * COLUMNS) + i];
            tile[i / COLUMNS * T::PITCH + i % COLUMNS] = sum;
        }
        __syncthreads();
    }

    if (what & PLANES) {
        for (int i = thread; i < ROWS * COLUMNS; i += T::THREADS) {
            unsigned pixel = first_pixel + i % ROWS, channel = first_channel + i / ROWS;
            if (pixel >= pixels || channel >= out_channels) continue;
            float value = tile[i % ROWS * T::PITCH + i / ROWS];
            if (what & FACTORS) value *= factors[pixel];
            value += bias[channel];
            if (what & SILU) value *= logistic(value);
            planes[(u64)channel * pixels + pixel] = value;
        }
        return;
    }
    constexpr int VECTORS = COLUMNS / LANES;
    for (int i = thread; i < ROWS * VECTORS; i += T::THREADS) {
        unsigned pixel = first_pixel + i / VECTORS, channel = first_channel + i % VECTORS * LANES;
        if (pixel >= pixels || channel >= out_channels) continue;
        const float* from = tile + i / VECTORS * T::PITCH + i % VECTORS * LANES;
        float values[LANES], added[LANES];
        if (what & RESIDUAL) unpack(load_vector(residual + (u64)pixel * residual_pitch + channel), added);
#pragma unroll
        for (int k = 0; k < LANES; k++) {
            float value = from[k] + bias[channel + k];
            if (what & SILU) value *= logistic(value);
            values[k] = what & RESIDUAL ? value + added[k] : value;
        }
        store_vector(output + (u64)pixel * out_pitch + channel, pack(values));
    }
}

#ifndef BLOCK_OF
#define BLOCK_OF(threads, blocks) __launch_bounds__(threads, blocks)
#endif

#define CONVOLVE(ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES, BLOCKS)                                                 \
    extern "C" __global__ void BLOCK_OF(32 * WARP_ROWS * WARP_COLUMNS, BLOCKS) convolve_##ROWS##x##COLUMNS(              \
        const Element* input, const Element* weights, const float* bias, const Element* residual, Element* output,       \
        float* planes, const float* factors, float* parts, unsigned* arrived, unsigned images, unsigned in_height,       \
        unsigned in_width, unsigned in_pitch, unsigned in_channels, unsigned out_height, unsigned out_width,             \
        unsigned out_pitch, unsigned out_channels, unsigned residual_pitch, unsigned kernel, unsigned stride,            \
        unsigned slices, unsigned what) {                                                                                \
        convolve<ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES>(                                                        \
            input, weights, bias, residual, output, planes, factors, parts, arrived, images, in_height, in_width,        \
            in_pitch, in_channels, out_height, out_width, out_pitch, out_channels, residual_pitch, kernel, stride,       \
            slices, what);                                                                                               \
    }

CONVOLVE(128, 128, 4, 2, 3, 1)
CONVOLVE(128, 64, 4, 2, 3, 2)
CONVOLVE(64, 64, 2, 2, 4, 3)
CONVOLVE(128, 32, 4, 1, 4, 2)
CONVOLVE(64, 32, 4, 1, 4, 3)
