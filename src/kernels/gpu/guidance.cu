// Attention between maps and texts on a GPU.
#include "elements.cuh"

// Pixels of a block, and the warps that share the classes among them.
#define PIXELS 64
#define WARPS 8
// Numbers of a chunk of a head's channels.
#define CHUNK 16

// A chunk's numbers that are one lane's: of the pixels' rows, and of the classes'. A lane takes numbers that are
// neighbours, and the same ones on both sides, so that the order in which the products are summed is another than that
// of memory, and nothing else.
struct alignas(8) Half {
    unsigned word[2];
};

#if ELEMENT == F16 || ELEMENT == BF16
struct Piece {
    unsigned word[2];
};
__device__ inline Piece load_piece(const Element* row, int lane) {
    Half half = *reinterpret_cast<const Half*>(row + lane * 4);
    return {{half.word[0], half.word[1]}};
}
#else
struct Piece {
    unsigned word[4];
};
__device__ inline Piece load_piece(const Element* row, int lane) {
    Vector vector = load_vector(row + lane * 4);
    return {{vector.word[0], vector.word[1], vector.word[2], vector.word[3]}};
}
#endif

__device__ inline void multiply_pieces(float (&sums)[4], const Piece& upper, const Piece& lower, const Piece& column) {
#pragma unroll
    for (int i = 0; i < (int)(sizeof(Piece) / 8); i++) {
        unsigned rows[4] = {upper.word[2 * i], lower.word[2 * i], upper.word[2 * i + 1], lower.word[2 * i + 1]};
        multiply(sums, rows, column.word[2 * i], column.word[2 * i + 1]);
    }
}

// Scales the channels of each head of `output` by logistic(best * scale + bias), `best` the greatest product of the
// head's channels of `maps` with any class's row of `guides`.
//
// maps     [images][positions], maps_pitch apart; output likewise
// guides   [images or 1][classes], guide_pitch apart; guide_step numbers from an image's to the next
// biases   [heads]
//
// A head has CHUNKS x CHUNK channels. The grid is [blocks of positions][heads][images].
template <int CHUNKS>
__device__ inline void attend(const Element* maps, const Element* guides, Element* output, const float* biases,
                              unsigned positions, unsigned maps_pitch, unsigned classes, unsigned guide_pitch,
                              unsigned guide_step, unsigned out_pitch, float scale) {
    in_turn();
    float* shared = reinterpret_cast<float*>(shared_memory());
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, member = lane % 4;
    const unsigned head = blockIdx.y, first = blockIdx.x * PIXELS, channel = head * CHUNKS * CHUNK;
    maps += (u64)blockIdx.z * positions * maps_pitch + channel;
    output += (u64)blockIdx.z * positions * out_pitch + channel;
    guides += (u64)blockIdx.z * guide_step + channel;

    Piece upper[PIXELS / 16][CHUNKS], lower[PIXELS / 16][CHUNKS];
    float best[PIXELS / 16][2];
#pragma unroll
    for (int i = 0; i < PIXELS / 16; i++) {
        // What lies behind the last pixel is computed with it, and not used.
        unsigned high = min(first + i * 16 + group, positions - 1), low = min(first + i * 16 + group + 8, positions - 1);
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            upper[i][c] = load_piece(maps + (u64)high * maps_pitch + c * CHUNK, member);
            lower[i][c] = load_piece(maps + (u64)low * maps_pitch + c * CHUNK, member);
        }
        best[i][0] = best[i][1] = -INFINITY;
    }
#pragma unroll 4
    for (unsigned class_ = warp * 8; class_ < classes; class_ += WARPS * 8) {
        // The last class stands for those behind it.
        const Element* row = guides + (u64)min(class_ + group, classes - 1) * guide_pitch;
        Piece column[CHUNKS];
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) column[c] = load_piece(row + c * CHUNK, member);
#pragma unroll
        for (int i = 0; i < PIXELS / 16; i++) {
            float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) multiply_pieces(sums, upper[i][c], lower[i][c], column[c]);
            best[i][0] = fmaxf(best[i][0], fmaxf(sums[0], sums[1]));
            best[i][1] = fmaxf(best[i][1], fmaxf(sums[2], sums[3]));
        }
    }
#pragma unroll
    for (int i = 0; i < PIXELS / 16; i++)
#pragma unroll
        for (int k = 0; k < 2; k++) {
            float value = quad_maximum(best[i][k]);
            if (member == 0) shared[warp * PIXELS + i * 16 + k * 8 + group] = value;
        }
    __syncthreads();
    for (int i = threadIdx.x; i < PIXELS; i += 32 * WARPS) {
        float value = shared[i];
        for (int other = 1; other < WARPS; other++) value = fmaxf(value, shared[other * PIXELS + i]);
        shared[i] = logistic(value * scale + biases[head]);
    }
    __syncthreads();
    constexpr int VECTORS = CHUNKS * CHUNK / LANES;
    for (int i = threadIdx.x; i < PIXELS * VECTORS; i += 32 * WARPS) {
        unsigned pixel = first + i / VECTORS;
        if (pixel >= positions) continue;
        Element* at = output + (u64)pixel * out_pitch + i % VECTORS * LANES;
        float numbers[LANES];
        unpack(load_vector(at), numbers);
#pragma unroll
        for (int k = 0; k < LANES; k++) numbers[k] *= shared[i / VECTORS];
        store_vector(at, pack(numbers));
    }
}

#define ATTEND(CHUNKS)                                                                                                   \
    extern "C" __global__ void THREADS_OF(32 * WARPS) attend_##CHUNKS(                                                  \
        const Element* maps, const Element* guides, Element* output, const float* biases, unsigned positions,            \
        unsigned maps_pitch, unsigned classes, unsigned guide_pitch, unsigned guide_step, unsigned out_pitch,            \
        float scale) {                                                                                                   \
        attend<CHUNKS>(maps, guides, output, biases, positions, maps_pitch, classes, guide_pitch, guide_step, out_pitch, \
                       scale);                                                                                           \
    }

ATTEND(1)
ATTEND(2)
ATTEND(4)

// Cells a side into which maps are pooled.
#define CELLS 3
// Threads of a block that pools.
#define POOLING 1024

// The maximum of each channel over a cell of a map, normalised over the channels: their mean becomes 0, their variance
// plus epsilon 1. Cell k of S rows covers those from floor(k S / 3) up to ceil((k + 1) S / 3).
//
// map      [images][height][width], pitch numbers apart
// tokens   [images][...][channels]: the cells' begin at first_token of tokens_per_image
//
// The grid is [cells][1][images]; channels are at most LANES x POOLING.
extern "C" __global__ void pool_tokens(const Element* map, Element* tokens, unsigned height, unsigned width,
                                       unsigned channels, unsigned pitch, unsigned first_token,
                                       unsigned tokens_per_image, float epsilon) {
    in_turn();
    float* maxima = reinterpret_cast<float*>(shared_memory());
    const unsigned down = blockIdx.x / CELLS, right = blockIdx.x % CELLS;
    const unsigned top = down * height / CELLS, bottom = ((down + 1) * height + CELLS - 1) / CELLS;
    const unsigned left = right * width / CELLS, columns = ((right + 1) * width + CELLS - 1) / CELLS - left;
    const unsigned vectors = channels / LANES, groups = POOLING / vectors;
    const unsigned group = threadIdx.x / vectors, channel = threadIdx.x % vectors * LANES;
    map += (u64)blockIdx.z * height * width * pitch;
    if (group < groups) {
        float best[LANES], other[LANES];
        for (int i = 0; i < LANES; i++) best[i] = -INFINITY;
#pragma unroll 4
        for (unsigned pixel = group; pixel < (bottom - top) * columns; pixel += groups) {
            u64 at = (u64)(top + pixel / columns) * width + left + pixel % columns;
            unpack(load_vector(map + at * pitch + channel), other);
#pragma unroll
            for (int i = 0; i < LANES; i++) best[i] = fmaxf(best[i], other[i]);
        }
        for (int i = 0; i < LANES; i++) maxima[group * channels + channel + i] = best[i];
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < channels; i += POOLING)
        for (unsigned other = 1; other < groups; other++) maxima[i] = fmaxf(maxima[i], maxima[other * channels + i]);
    __syncthreads();
    // The first warp normalises.
    if (threadIdx.x >= 32) return;
    float sum = 0.0f, squares = 0.0f;
    for (unsigned i = threadIdx.x; i < channels; i += 32) sum += maxima[i];
    const float mean = warp_sum(sum) / channels;
    for (unsigned i = threadIdx.x; i < channels; i += 32) squares += (maxima[i] - mean) * (maxima[i] - mean);
    const float factor = 1.0f / sqrtf(warp_sum(squares) / channels + epsilon);
    Element* to = tokens + ((u64)blockIdx.z * tokens_per_image + first_token + blockIdx.x) * channels;
    for (unsigned i = threadIdx.x * LANES; i < channels; i += 32 * LANES) {
        float numbers[LANES];
        for (int k = 0; k < LANES; k++) numbers[k] = (maxima[i + k] - mean) * factor;
        store_vector(to + i, pack(numbers));
    }
}

// Tokens at most.
#define TOKENS 32

// Each text's mean of the tokens' values by the softmax of the products of its query with their keys, head by head.
//
// queries   [texts][heads][head_channels]: products are multiplied by scale
// tokens    [images][count][2][heads][head_channels]: keys, values
// output    [images][texts][heads][head_channels]
//
// Four lanes compute a head of a text, each with every fourth token. head_channels is a multiple of LANES, count at most
// TOKENS; there are whole warps of threads.
extern "C" __global__ void attend_tokens(const Element* queries, const Element* tokens, Element* output, unsigned images,
                                         unsigned texts, unsigned count, unsigned heads, unsigned head_channels,
                                         float scale) {
    in_turn();
    const unsigned channels = heads * head_channels;
    const int member = threadIdx.x % 4;
    const u64 all = (u64)images * texts * heads;
    // All lanes of a warp go round as often, since they ask each other.
    for (u64 first = first_index() / 32 * 8; first < all; first += index_step() / 4) {
        const u64 index = min(first + threadIdx.x % 32 / 4, all - 1);
        const unsigned head = index % heads;
        const u64 image = index / heads / texts, text = index / heads % texts;
        const Element* query = queries + text * channels + head * head_channels;
        const Element* keys = tokens + image * count * 2 * channels + head * head_channels;
        float scores[TOKENS / 4], most = -INFINITY, sum = 0.0f;
#pragma unroll
        for (int i = 0; i < TOKENS / 4; i++) scores[i] = 0.0f;
        for (unsigned channel = 0; channel < head_channels; channel += LANES) {
            float asked[LANES], key[LANES];
            unpack(load_vector(query + channel), asked);
#pragma unroll
            for (int i = 0; i < TOKENS / 4; i++) {
                // The last token stands for those behind it, and counts nothing then.
                u64 token = min(i * 4 + member, (int)count - 1);
                unpack(load_vector(keys + token * 2 * channels + channel), key);
#pragma unroll
                for (int k = 0; k < LANES; k++) scores[i] += asked[k] * key[k];
            }
        }
#pragma unroll
        for (int i = 0; i < TOKENS / 4; i++) most = fmaxf(most, scores[i] * scale);
        most = quad_maximum(most);
#pragma unroll
        for (int i = 0; i < TOKENS / 4; i++) {
            scores[i] = i * 4 + member < (int)count ? fast_exponential(scores[i] * scale - most) : 0.0f;
            sum += scores[i];
        }
        sum = quad_sum(sum);
        for (unsigned channel = 0; channel < head_channels; channel += LANES) {
            float mixed[LANES], value[LANES];
            for (int k = 0; k < LANES; k++) mixed[k] = 0.0f;
#pragma unroll
            for (int i = 0; i < TOKENS / 4; i++) {
                u64 token = min(i * 4 + member, (int)count - 1);
                unpack(load_vector(keys + token * 2 * channels + channels + channel), value);
#pragma unroll
                for (int k = 0; k < LANES; k++) mixed[k] += scores[i] * value[k];
            }
#pragma unroll
            for (int k = 0; k < LANES; k++) mixed[k] = quad_sum(mixed[k]) / sum;
            if (member == 0)
                store_vector(output + (image * texts + text) * channels + head * head_channels + channel, pack(mixed));
        }
    }
}
