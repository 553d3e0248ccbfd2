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

// Parts of a tile at most.
#define PARTS 8

// Which of the eight places of its row a vector has in shared memory: eight rows' vectors of one column lie in eight
// different banks. It is the order that the matrix units call a swizzle of 128 bytes.
__device__ inline int place(int row, int vector) { return row * 8 + (vector ^ (row & 7)); }

// A block's tile, computed by groups of four warps or by single ones.
template <int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, int STAGES> struct Tile {
    static constexpr int MULTIPLIERS = 32 * WARP_ROWS * WARP_COLUMNS;
#ifdef GROUPS_OF_WARPS
    // A group has 64 rows and all columns, a warp of it 16 rows; a further group copies what they multiply.
    static constexpr int COPIERS = 128;
    static constexpr int THREADS = MULTIPLIERS + COPIERS;
    static constexpr int HEIGHT = 1;
    static constexpr int WIDTH = COLUMNS / 8;
    static_assert(MULTIPLIERS == 2 * ROWS, "a group of 128 threads for 64 rows");
    static __device__ int first_row(int warp) { return warp * 16; }
    static __device__ int first_column(int) { return 0; }
#else
    // All do both.
    static constexpr int COPIERS = MULTIPLIERS;
    static constexpr int THREADS = MULTIPLIERS;
    static constexpr int HEIGHT = ROWS / WARP_ROWS / 16;
    static constexpr int WIDTH = COLUMNS / WARP_COLUMNS / 8;
    static_assert(WIDTH % 2 == 0, "two columns of eight are loaded at once");
    static __device__ int first_row(int warp) { return warp / WARP_COLUMNS * HEIGHT * 16; }
    static __device__ int first_column(int warp) { return warp % WARP_COLUMNS * WIDTH * 8; }
#endif
    // Numbers of a row that are multiplied at a time, and of 32 rows of weights.
    static constexpr int SLICE = 8 * LANES;
    static constexpr int PIECE = 32 * SLICE;
    // Rows from one that a thread copies to its next.
    static constexpr int STEP = COPIERS / 8;
    static constexpr int ROW_VECTORS = ROWS / STEP;
    static constexpr int COLUMN_VECTORS = COLUMNS / STEP;
    // Vectors of a stage: the rows' first.
    static constexpr int STAGE = (ROWS + COLUMNS) * 8;
    // Words from a row of sums to the next: a multiple of 4, and 8 rows in different banks.
    static constexpr int PITCH = COLUMNS + 4;
    // Vectors of the result a row, and how many of them a thread writes; likewise of sums.
    static constexpr int VECTORS = COLUMNS / LANES;
    static constexpr int ROUNDS = (ROWS * VECTORS + THREADS - 1) / THREADS;
    static constexpr int QUADS = ROWS * COLUMNS / 4;
    static_assert(ROW_VECTORS * STEP == ROWS, "whole vectors a thread");
    static_assert(THREADS % VECTORS == 0, "a thread writes one column of vectors");
    static_assert(ROWS * PITCH * 4 <= STAGES * STAGE * 16, "the sums fit where the factors were");
};

#ifndef GROUPS_OF_WARPS
// Adds the products of a slice of a stage to a thread's sums: of each 16 rows and 8 columns of its warp, those of row
// lane / 4 and of row lane / 4 + 8 with columns lane % 4 * 2 and lane % 4 * 2 + 1.
template <class T, int ROWS>
__device__ inline void multiply_slice(float (&sums)[T::HEIGHT][T::WIDTH][4], const Vector* stage, int warp, int lane) {
    const Vector* columns = stage + ROWS * 8;
#ifdef __CUDACC__
#pragma unroll
    for (int part = 0; part < 4; part++) {
        unsigned a[T::HEIGHT][4], b[T::WIDTH / 2][4];
#pragma unroll
        for (int i = 0; i < T::HEIGHT; i++)
            load_matrices(a[i], stage + place(T::first_row(warp) + i * 16 + lane % 16, part * 2 + lane / 16));
#pragma unroll
        for (int j = 0; j < T::WIDTH / 2; j++) {
            int column = T::first_column(warp) + j * 16 + lane / 16 * 8 + lane % 8;
            load_matrices(b[j], columns + place(column, part * 2 + lane / 8 % 2));
        }
#pragma unroll
        for (int i = 0; i < T::HEIGHT; i++)
#pragma unroll
            for (int j = 0; j < T::WIDTH; j++) multiply(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
    }
#else
    for (int i = 0; i < T::HEIGHT; i++)
        for (int j = 0; j < T::WIDTH; j++)
            for (int k = 0; k < 4; k++) {
                int row = T::first_row(warp) + i * 16 + lane / 4 + k / 2 * 8;
                int column = T::first_column(warp) + j * 8 + lane % 4 * 2 + k % 2;
                for (int vector = 0; vector < 8; vector++)
                    sums[i][j][k] += product(stage[place(row, vector)], columns[place(column, vector)]);
            }
#endif
}
#endif

// What a thread copies of the gathered pixels: one column of vectors of some rows, slice after slice.
template <class T> struct Gatherer {
    const Element* input;
    int in_width, in_pitch;
    unsigned in_channels, kernel;
    int first_row, column;
    // Where each row's first tap is, and which of its taps are in the input.
    int start[T::ROW_VECTORS];
    unsigned taps[T::ROW_VECTORS];
    // The tap and the channel, counted from `base`, at which the column of the next slice begins; `width` channels share it.
    unsigned base, width, channel, tap, across;
    int offset;

    __device__ inline void start_at(unsigned copier, unsigned first_pixel, unsigned from, unsigned images, unsigned in_height,
                                    unsigned out_height, unsigned out_width, unsigned stride) {
        first_row = copier / 8;
        column = copier % 8;
        unsigned pixel = first_pixel + first_row, image = pixel / (out_height * out_width);
        unsigned y = pixel % (out_height * out_width) / out_width, x = pixel % out_width;
        const int margin = kernel / 2;
#pragma unroll
        for (int i = 0; i < T::ROW_VECTORS; i++) {
            const int top = (int)(y * stride) - margin, left = (int)(x * stride) - margin;
            start[i] = (((int)(image * in_height) + top) * in_width + left) * in_pitch;
            unsigned there = 0;
            for (int k = 0; k < (int)kernel; k++) there |= (unsigned)((unsigned)(left + k) < (unsigned)in_width) << k;
            taps[i] = 0;
            for (int k = 0; k < (int)kernel; k++)
                if (image < images && (unsigned)(top + k) < in_height) taps[i] |= there << k * (int)kernel;
            for (x += T::STEP; x >= out_width; x -= out_width)
                if (++y == out_height) {
                    y = 0;
                    image++;
                }
        }
        const unsigned whole = in_channels / T::SLICE * kernel * kernel;
        if (from < whole) {
            base = from / (kernel * kernel) * T::SLICE;
            width = T::SLICE;
            channel = column * LANES;
            tap = from % (kernel * kernel);
            place_tap();
        } else {
            start_rest(in_channels / T::SLICE * T::SLICE, (from - whole) * T::SLICE + column * LANES);
        }
    }

    __device__ inline void place_tap() {
        across = tap % kernel;
        offset = ((int)(tap / kernel) * in_width + (int)across) * in_pitch;
    }

    // The last channels, fewer than a slice, at a number of their taps' and channels'.
    __device__ inline void start_rest(unsigned first, unsigned number) {
        base = first;
        width = max(in_channels - first, 1u);
        tap = number / width;
        channel = number % width;
        place_tap();
    }

    __device__ inline void copy(Vector* rows) {
#pragma unroll
        for (int i = 0; i < T::ROW_VECTORS; i++)
            start_copy_kept(rows + place(first_row + i * T::STEP, column), input + (start[i] + offset + (int)(base + channel)),
                            taps[i] >> tap & 1);
    }

    // On to the next slice.
    __device__ inline void advance() {
        for (channel += T::SLICE; channel >= width;) {
            channel -= width;
            offset += in_pitch;
            if (++across == kernel) {
                across = 0;
                offset += (in_width - (int)kernel) * in_pitch;
            }
            // Behind the last taps of the last channels there is nothing.
            if (++tap == kernel * kernel && width == T::SLICE) {
                tap = across = 0;
                offset = 0;
                base += T::SLICE;
                if (base + T::SLICE > in_channels) start_rest(base, channel);
            }
        }
    }
};

// input      [images][in_height][in_width], pixels in_pitch numbers apart, of in_channels numbers each
// weights    for each 32 of out_channels, zeros where there are fewer, and for each slice: [32][8] vectors in the order
//            of `place`. The vectors of a channel's slices, one slice after the other, hold for each SLICE channels of the
//            input (the last of them may be fewer) all taps, row by row, and for each tap these channels; zeros behind. So a
//            slice is a tap of the same pixels' same channels as the slice before, and mostly still in the cache.
// bias       [out_channels]
// residual   [images][out_height][out_width], pixels residual_pitch apart
// output     likewise, out_pitch apart; or planes [out_channels][out_height x out_width] of one image
// factors    [out_height x out_width] of one image
// parts      a tile for each block; arrived: zeros, a word for each tile, which are zeros again at the end
//
// in_channels, out_channels and all pitches are multiples of LANES (out_channels of planes need not be); pointers are
// those of vectors. kernel / 2 zeros surround the input; kernel is at most 5. Inputs and weights have fewer than 2^31
// numbers. The grid is [column tiles][row tiles][parts], of no more parts than slices; shared memory has room for the stages,
// two words of 64 bits for each, and COLUMNS words.
template <int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, int STAGES>
__device__ inline void convolve(const Element* input, const Element* weights, const float* bias, const Element* residual,
                                Element* output, float* planes, const float* factors, float* parts, unsigned* arrived,
                                unsigned images, unsigned in_height, unsigned in_width, unsigned in_pitch,
                                unsigned in_channels, unsigned out_height, unsigned out_width, unsigned out_pitch,
                                unsigned out_channels, unsigned residual_pitch, unsigned kernel, unsigned stride,
                                unsigned slices, unsigned what) {
    typedef Tile<ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES> T;
    release_successor();
    Vector* stages = reinterpret_cast<Vector*>(shared_memory());
    u64* barriers = reinterpret_cast<u64*>(stages + STAGES * T::STAGE);
    float* biases = reinterpret_cast<float*>(barriers + 2 * STAGES);
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const unsigned pixels = images * out_height * out_width;
    const unsigned first_pixel = blockIdx.y * ROWS, first_channel = blockIdx.x * COLUMNS;
    if (thread < COLUMNS) biases[thread] = first_channel + thread < out_channels ? bias[first_channel + thread] : 0.0f;

    // This block's part of the slices.
    const unsigned from = (unsigned)((u64)slices * blockIdx.z / gridDim.z);
    const unsigned count = (unsigned)((u64)slices * (blockIdx.z + 1) / gridDim.z) - from;
    // Pieces of 32 output channels: the tile's first, and how many there are of the tile's.
    const unsigned piece = first_channel / 32, pieces = min((out_channels + 31) / 32 - piece, COLUMNS / 32u);
    const Element* weight = weights + ((u64)piece * slices + from) * T::PIECE;
    Gatherer<T> gatherer;
    gatherer.input = input;
    gatherer.in_width = (int)in_width;
    gatherer.in_pitch = (int)in_pitch;
    gatherer.in_channels = in_channels;
    gatherer.kernel = kernel;

    float sums[T::HEIGHT][T::WIDTH][4];
#pragma unroll
    for (int i = 0; i < T::HEIGHT; i++)
#pragma unroll
        for (int j = 0; j < T::WIDTH; j++)
#pragma unroll
            for (int k = 0; k < 4; k++) sums[i][j][k] = 0.0f;

#ifdef GROUPS_OF_WARPS
    // For each stage: what fills it has come, and what is read of it has been.
    u64 *filled = barriers, *emptied = barriers + STAGES;
    if (thread < STAGES) {
        prepare_barrier(filled + thread, T::COPIERS + 1);
        prepare_barrier(emptied + thread, T::MULTIPLIERS / 32);
    }
    show_copies();
    __syncthreads();
    if (thread >= T::MULTIPLIERS) {
        const unsigned copier = thread - T::MULTIPLIERS;
        auto copy_weights = [&](unsigned slice) {
            u64* barrier = filled + slice % STAGES;
            arrive_and_expect(barrier, pieces * (32 * 128));
            for (unsigned i = 0; i < pieces; i++)
                start_piece(stages + slice % STAGES * T::STAGE + (ROWS + i * 32) * 8,
                            weight + ((u64)i * slices + slice) * T::PIECE, 32 * 128, barrier);
        };
        // Weights are there before the kernel that computes the input has ended.
        if (copier == 0)
            for (unsigned slice = 0; slice < min(count, (unsigned)STAGES); slice++) copy_weights(slice);
        gatherer.start_at(copier, first_pixel, from, images, in_height, out_height, out_width, stride);
        await_predecessor();
        for (unsigned slice = 0; slice < count; slice++) {
            if (slice >= STAGES) {
                await_round(emptied + slice % STAGES, slice / STAGES - 1);
                if (copier == 0) copy_weights(slice);
            }
            gatherer.copy(stages + slice % STAGES * T::STAGE);
            arrive_with_copies(filled + slice % STAGES);
            gatherer.advance();
        }
    } else {
        await_predecessor();
        // Nothing within the loop may depend on a condition, or the products wait for each other.
        for (unsigned slice = 0; slice < count; slice++) {
            const Vector* stage = stages + slice % STAGES * T::STAGE;
            await_round(filled + slice % STAGES, slice / STAGES);
            show_copies();
            // The units read shared memory themselves; 32 bytes of a row are two of the 16 that they count in.
            const u64 rows_at = described(stage + warp / 4 * 64 * 8), columns_at = described(stage + ROWS * 8);
            start_products();
#pragma unroll
            for (int part = 0; part < 4; part++)
                multiply_described<T::WIDTH>(sums[0], rows_at + part * 2, columns_at + part * 2);
            end_products();
            await_products<1>();
            if (slice > 0 && lane == 0) arrive(emptied + (slice - 1) % STAGES);
        }
        await_products<0>();
        settle<T::WIDTH>(sums[0]);
    }
#else
    gatherer.start_at(thread, first_pixel, from, images, in_height, out_height, out_width, stride);
    auto copy_weights = [&](unsigned slice) {
        Vector* to = stages + slice % STAGES * T::STAGE + ROWS * 8;
#pragma unroll
        for (int i = 0; i < T::COLUMN_VECTORS; i++) {
            const unsigned vector = i * T::THREADS + thread, of_piece = vector / (32 * 8);
            start_copy(to + vector, weight + ((u64)of_piece * slices + slice) * T::PIECE + vector % (32 * 8) * LANES,
                       of_piece < pieces);
        }
    };
#pragma unroll
    for (unsigned slice = 0; slice < STAGES - 1; slice++)
        if (slice < count) copy_weights(slice);
    await_predecessor();
#pragma unroll
    for (unsigned slice = 0; slice < STAGES - 1; slice++) {
        if (slice < count) gatherer.copy(stages + slice * T::STAGE);
        gatherer.advance();
        end_group();
    }
    for (unsigned slice = 0; slice < count; slice++) {
        wait_for_groups<STAGES - 2>();
        // All copies of this slice are there, and nobody reads any longer from the stage that is filled next.
        __syncthreads();
        if (slice + STAGES - 1 < count) {
            copy_weights(slice + STAGES - 1);
            gatherer.copy(stages + (slice + STAGES - 1) % STAGES * T::STAGE);
            gatherer.advance();
        }
        end_group();
        multiply_slice<T, ROWS>(sums, stages + slice % STAGES * T::STAGE, warp, lane);
    }
    wait_for_groups<0>();
#endif
    __syncthreads();

    // The sums go through shared memory, so that they leave in whole vectors.
    float* tile = reinterpret_cast<float*>(stages);
    if (thread < T::MULTIPLIERS) {
#pragma unroll
        for (int i = 0; i < T::HEIGHT; i++)
#pragma unroll
            for (int j = 0; j < T::WIDTH; j++)
#pragma unroll
                for (int k = 0; k < 4; k += 2) {
                    int row = T::first_row(warp) + i * 16 + lane / 4 + k / 2 * 8;
                    int at = row * T::PITCH + T::first_column(warp) + j * 8 + lane % 4 * 2;
                    *reinterpret_cast<float2*>(tile + at) = {sums[i][j][k], sums[i][j][k + 1]};
                }
    }
    __syncthreads();

    if (gridDim.z > 1) {
        const unsigned number = blockIdx.y * gridDim.x + blockIdx.x;
        float4* part = reinterpret_cast<float4*>(parts) + (u64)number * gridDim.z * T::QUADS;
        float4* own = part + blockIdx.z * T::QUADS;
        auto quad = [&](int i) { return reinterpret_cast<float4*>(tile + i / (COLUMNS / 4) * T::PITCH) + i % (COLUMNS / 4); };
        for (int i = thread; i < T::QUADS; i += T::THREADS) own[i] = *quad(i);
        __threadfence();
        __syncthreads();
        // The barriers have done their work.
        unsigned* last = reinterpret_cast<unsigned*>(barriers);
        if (thread == 0) {
            *last = atomicAdd(arrived + number, 1u) == gridDim.z - 1;
            if (*last) arrived[number] = 0;
        }
        __syncthreads();
        if (!*last) return;
        __threadfence();
#pragma unroll 2
        for (int i = thread; i < T::QUADS; i += T::THREADS) {
            float4 some[PARTS];
#pragma unroll
            for (int z = 0; z < PARTS; z++)
                if (z < (int)gridDim.z) some[z] = part[z * T::QUADS + i];
            float4 sum = some[0];
#pragma unroll
            for (int z = 1; z < PARTS; z++)
                if (z < (int)gridDim.z) {
                    sum.x += some[z].x;
                    sum.y += some[z].y;
                    sum.z += some[z].z;
                    sum.w += some[z].w;
                }
            *quad(i) = sum;
        }
        __syncthreads();
    }

    if (what & PLANES) {
#pragma unroll 4
        for (int i = thread; i < ROWS * COLUMNS; i += T::THREADS) {
            unsigned pixel = first_pixel + i % ROWS, channel = first_channel + i / ROWS;
            if (pixel >= pixels || channel >= out_channels) continue;
            float value = tile[i % ROWS * T::PITCH + i / ROWS];
            if (what & FACTORS) value *= factors[pixel];
            value += biases[i / ROWS];
            if (what & SILU) value *= logistic(value);
            planes[(u64)channel * pixels + pixel] = value;
        }
        return;
    }
    const unsigned channel = first_channel + thread % T::VECTORS * LANES;
    if (channel >= out_channels) return;
    constexpr int DOWN = T::THREADS / T::VECTORS;
    // All that is to be added is asked for before any of it is needed.
    Vector added[T::ROUNDS];
    if (what & RESIDUAL)
#pragma unroll
        for (int i = 0; i < T::ROUNDS; i++) {
            const unsigned row = thread / T::VECTORS + i * DOWN, pixel = first_pixel + row;
            if (row < ROWS && pixel < pixels) added[i] = load_vector(residual + (u64)pixel * residual_pitch + channel);
        }
#pragma unroll
    for (int i = 0; i < T::ROUNDS; i++) {
        const unsigned row = thread / T::VECTORS + i * DOWN, pixel = first_pixel + row;
        if (row >= ROWS || pixel >= pixels) continue;
        const float* sum = tile + row * T::PITCH + thread % T::VECTORS * LANES;
        float values[LANES], other[LANES];
        if (what & RESIDUAL) unpack(added[i], other);
#pragma unroll
        for (int k = 0; k < LANES; k++) {
            float value = sum[k] + biases[thread % T::VECTORS * LANES + k];
            if (what & SILU) value *= logistic(value);
            values[k] = what & RESIDUAL ? value + other[k] : value;
        }
        store_vector(output + (u64)pixel * out_pitch + channel, pack(values));
    }
}

#ifdef GROUPS_OF_WARPS
// Groups need registers for all columns.
#define BLOCK_OF(threads, blocks) __launch_bounds__(threads)
#elif defined(__CUDACC__)
#define BLOCK_OF(threads, blocks) __launch_bounds__(threads, blocks)
#endif

#define CONVOLVE(ROWS, COLUMNS, STAGES, WARP_ROWS, WARP_COLUMNS, BLOCKS)                                                 \
    extern "C" __global__ void BLOCK_OF((Tile<ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES>::THREADS), BLOCKS) convolve_##ROWS##x##COLUMNS##x##STAGES(   \
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

CONVOLVE(128, 128, 4, 4, 2, 1)
CONVOLVE(128, 64, 4, 4, 2, 2)
CONVOLVE(64, 128, 4, 2, 2, 2)
CONVOLVE(64, 64, 4, 2, 2, 3)
CONVOLVE(64, 64, 8, 2, 2, 1)
CONVOLVE(128, 32, 4, 8, 1, 2)
CONVOLVE(64, 32, 4, 4, 1, 4)
CONVOLVE(64, 32, 8, 4, 1, 2)
