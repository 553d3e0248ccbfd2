// The network's kernels that work in blocks, each as the plain loops of its definition: same names, same arguments. They
// check what the launch says of blocks and buffers, and compute everything in one call.
#pragma once

static void need(bool holds, const char* what) {
    if (!holds) fail(std::string("a launch does not fit: ") + what);
}

// Whether `count` values from an address on lie in one buffer.
template <typename T> static void within(const T* from, u64 count, const char* what) {
    const char* start = reinterpret_cast<const char*>(from);
    for (auto& entry : buffers) {
        const char* memory = reinterpret_cast<const char*>(entry.second.first);
        if (start >= memory && start + count * sizeof(T) <= memory + 4 * entry.second.second) return;
    }
    need(false, what);
}

// So many pixels of a map.
static void pixels_within(const Element* from, u64 pixels, u64 pitch, u64 channels, const char* what) {
    need(pitch % 16 == 0 && channels % 16 == 0 && channels <= pitch, what);
    need(reinterpret_cast<std::uintptr_t>(from) % 16 == 0, what);
    within(from, (pixels - 1) * pitch + channels, what);
}

// A factor of a product as the matrix units take it.
static inline float factor(float x) {
#if ELEMENT == TF32
    return __uint_as_float(rounded_to_tf32(x));
#else
    return x;
#endif
}

static inline float number(float x) { return x; }
static inline float number(unsigned short x) { return widened(x); }
static inline void store(float* to, float x) { *to = x; }
static inline void store(unsigned short* to, float x) { *to = narrowed(x); }

// sums[channel] += x * row[channel]: the inner loop, whose bounds have been checked.
__attribute__((no_sanitize("address", "undefined"))) static void add_row(float* sums, float x, const float* row, unsigned channels) {
    for (unsigned channel = 0; channel < channels; channel++) sums[channel] += x * row[channel];
}

static void convolve_directly(unsigned rows, unsigned columns, unsigned threads, unsigned stages, const Element* input,
                              const Element* weights, const float* bias, const Element* residual, Element* output,
                              float* planes, const float* factors, float* parts, unsigned* arrived, unsigned images,
                              unsigned in_height, unsigned in_width, unsigned in_pitch, unsigned in_channels,
                              unsigned out_height, unsigned out_width, unsigned out_pitch, unsigned out_channels,
                              unsigned residual_pitch, unsigned kernel, unsigned stride, unsigned slices, unsigned what) {
    const bool silu = what & 1, residual_too = what & 2, in_planes = what & 4, with_factors = what & 8;
    const unsigned pixels = images * out_height * out_width, taps = kernel * kernel, slice = 8 * LANES;
    const u64 tiles = (u64)gridDim.x * gridDim.y;
    need(gridDim.x == (out_channels + columns - 1) / columns && gridDim.y == (pixels + rows - 1) / rows, "the grid");
    need(gridDim.y <= 65535 && gridDim.z >= 1 && gridDim.z <= slices && gridDim.z <= 8 && kernel <= 5, "the grid");
    need(blockDim.x == threads && shared_bytes == stages * ((rows + columns) * 128 + 16) + columns * 4, "the block");
    need(slices == (taps * in_channels + slice - 1) / slice, "the slices");
    need((in_height + 2 * (kernel / 2) - kernel) / stride + 1 == out_height, "the height");
    need((in_width + 2 * (kernel / 2) - kernel) / stride + 1 == out_width, "the width");
    pixels_within(input, (u64)images * in_height * in_width, in_pitch, in_channels, "the input");
    within(weights, (u64)((out_channels + 31) / 32 * 32) * slices * slice, "the weights");
    within(bias, out_channels, "the biases");
    if (in_planes) {
        need(images == 1 && !residual_too, "planes are those of one image");
        within(planes, (u64)out_channels * pixels, "the planes");
    } else {
        need(!with_factors, "factors are those of planes");
        pixels_within(output, pixels, out_pitch, out_channels, "the output");
    }
    if (residual_too) pixels_within(residual, pixels, residual_pitch, out_channels, "the residual");
    if (with_factors) within(factors, pixels, "the factors");
    if (gridDim.z > 1) {
        within(parts, tiles * gridDim.z * rows * columns, "the parts");
        within(arrived, tiles, "what has arrived");
        for (u64 tile = 0; tile < tiles; tile++) need(arrived[tile] == 0, "something has arrived before");
    }
    // Rows of output channels for each tap and input channel: the numbers of a channel are slice after slice, for each
    // `slice` channels all taps, and 32 channels' numbers of a slice are together, in an order of their own in each row.
    std::vector<float> turned((u64)taps * in_channels * out_channels), sums(out_channels);
    for (unsigned out = 0; out < (out_channels + 31) / 32 * 32; out++)
        for (unsigned i = 0; i < slices * slice; i++) {
            unsigned row = out % 32, vector = i % slice / LANES;
            u64 piece = ((u64)(out / 32) * slices + i / slice) * 32 + row;
            float weight = factor(number(weights[(piece * 8 + (vector ^ row % 8)) * LANES + i % LANES]));
            unsigned before = std::min(i / (slice * taps) * slice, in_channels / slice * slice), width = std::min(slice, in_channels - before);
            unsigned behind = i - before * taps, tap = width ? behind / width : taps;
            if (out < out_channels && tap < taps) turned[((u64)tap * in_channels + before + behind % width) * out_channels + out] = weight;
            else need(weight == 0.0f, "zeros where there is nothing");
        }
    for (unsigned pixel = 0; pixel < pixels; pixel++) {
        const unsigned image = pixel / (out_height * out_width), rest = pixel % (out_height * out_width);
        for (float& sum : sums) sum = 0.0f;
        for (unsigned tap = 0; tap < taps; tap++) {
            int row = (int)(rest / out_width * stride + tap / kernel) - (int)(kernel / 2);
            int column = (int)(rest % out_width * stride + tap % kernel) - (int)(kernel / 2);
            if (row < 0 || row >= (int)in_height || column < 0 || column >= (int)in_width) continue;
            const Element* from = input + (((u64)image * in_height + row) * in_width + column) * in_pitch;
            for (unsigned channel = 0; channel < in_channels; channel++) {
                float x = factor(number(from[channel]));
                if (x != 0.0f) add_row(sums.data(), x, &turned[((u64)tap * in_channels + channel) * out_channels], out_channels);
            }
        }
        for (unsigned out = 0; out < out_channels; out++) {
            float value = with_factors ? sums[out] * factors[pixel] : sums[out];
            value += bias[out];
            if (silu) value *= logistic(value);
            if (residual_too) value += number(residual[(u64)pixel * residual_pitch + out]);
            if (in_planes) planes[(u64)out * pixels + pixel] = value;
            else store(output + (u64)pixel * out_pitch + out, value);
        }
    }
}

#define CONVOLVE(ROWS, COLUMNS, STAGES, THREADS)                                                                         \
    extern "C" void convolve_##ROWS##x##COLUMNS##x##STAGES(                                                              \
        const Element* input, const Element* weights, const float* bias, const Element* residual, Element* output,       \
        float* planes, const float* factors, float* parts, unsigned* arrived, unsigned images, unsigned in_height,       \
        unsigned in_width, unsigned in_pitch, unsigned in_channels, unsigned out_height, unsigned out_width,             \
        unsigned out_pitch, unsigned out_channels, unsigned residual_pitch, unsigned kernel, unsigned stride,            \
        unsigned slices, unsigned what) {                                                                                \
        convolve_directly(ROWS, COLUMNS, THREADS, STAGES, input, weights, bias, residual, output, planes, factors,       \
                          parts, arrived, images, in_height, in_width, in_pitch, in_channels, out_height, out_width,     \
                          out_pitch, out_channels, residual_pitch, kernel, stride, slices, what);                        \
    }
CONVOLVE(128, 128, 4, 256)
CONVOLVE(128, 64, 4, 256)
CONVOLVE(64, 128, 4, 128)
CONVOLVE(64, 64, 4, 128)
CONVOLVE(64, 64, 8, 128)
CONVOLVE(128, 32, 4, 256)
CONVOLVE(64, 32, 4, 128)
CONVOLVE(64, 32, 8, 128)

extern "C" void inverse_lengths(const Element* input, float* factors, unsigned pixels, unsigned channels, unsigned pitch) {
    need(blockDim.x % 32 == 0 && (u64)gridDim.x * blockDim.x / 32 >= pixels, "a warp a pixel");
    pixels_within(input, pixels, pitch, channels, "the input");
    within(factors, pixels, "the factors");
    for (unsigned pixel = 0; pixel < pixels; pixel++) {
        double sum = 0.0;
        for (unsigned channel = 0; channel < channels; channel++) {
            double x = number(input[(u64)pixel * pitch + channel]);
            sum += x * x;
        }
        factors[pixel] = (float)(1.0 / std::max(std::sqrt(sum), 1e-12));
    }
}

static void attend_directly(unsigned chunks, const Element* maps, const Element* guides, Element* output,
                            const float* biases, unsigned positions, unsigned maps_pitch, unsigned classes,
                            unsigned guide_pitch, unsigned guide_step, unsigned out_pitch, float scale) {
    const unsigned heads = gridDim.y, images = gridDim.z, width = chunks * 16;
    need(gridDim.x == (positions + 63) / 64 && blockDim.x == 256 && shared_bytes == 2048, "the blocks");
    pixels_within(maps, (u64)images * positions, maps_pitch, heads * width, "the maps");
    pixels_within(output, (u64)images * positions, out_pitch, heads * width, "the output");
    within(biases, heads, "the biases");
    for (unsigned image = 0; image < images; image++) {
        const Element* guide = guides + (u64)image * guide_step;
        pixels_within(guide, classes, guide_pitch, heads * width, "the guides");
        for (unsigned position = 0; position < positions; position++)
            for (unsigned head = 0; head < heads; head++) {
                const Element* pixel = maps + ((u64)image * positions + position) * maps_pitch + head * width;
                float best = -INFINITY;
                for (unsigned c = 0; c < classes; c++) {
                    double sum = 0.0;
                    for (unsigned i = 0; i < width; i++)
                        sum += (double)factor(number(pixel[i])) * factor(number(guide[(u64)c * guide_pitch + head * width + i]));
                    best = std::max(best, (float)sum);
                }
                float by = logistic(best * scale + biases[head]);
                Element* scaled = output + ((u64)image * positions + position) * out_pitch + head * width;
                for (unsigned i = 0; i < width; i++) store(scaled + i, number(scaled[i]) * by);
            }
    }
}

#define ATTEND(CHUNKS)                                                                                                   \
    extern "C" void attend_##CHUNKS(const Element* maps, const Element* guides, Element* output, const float* biases,    \
                                    unsigned positions, unsigned maps_pitch, unsigned classes, unsigned guide_pitch,     \
                                    unsigned guide_step, unsigned out_pitch, float scale) {                              \
        attend_directly(CHUNKS, maps, guides, output, biases, positions, maps_pitch, classes, guide_pitch, guide_step,   \
                        out_pitch, scale);                                                                               \
    }
ATTEND(1)
ATTEND(2)
ATTEND(4)

extern "C" void pool_tokens(const Element* map, Element* tokens, unsigned height, unsigned width, unsigned channels,
                            unsigned pitch, unsigned first_token, unsigned tokens_per_image, float epsilon) {
    const unsigned images = gridDim.z, vectors = channels / LANES;
    need(gridDim.x == 9 && gridDim.y == 1 && blockDim.x == 1024, "the blocks");
    need(vectors >= 1 && vectors <= 1024 && shared_bytes >= 1024 / vectors * channels * 4, "shared memory");
    need(first_token + 9 <= tokens_per_image, "the tokens");
    pixels_within(map, (u64)images * height * width, pitch, channels, "the map");
    within(tokens, (u64)images * tokens_per_image * channels, "the tokens");
    std::vector<double> best(channels);
    for (unsigned image = 0; image < images; image++)
        for (unsigned cell = 0; cell < 9; cell++) {
            unsigned down = cell / 3, right = cell % 3;
            double mean = 0.0, variance = 0.0;
            for (unsigned channel = 0; channel < channels; channel++) {
                best[channel] = -INFINITY;
                for (unsigned y = down * height / 3; y < ((down + 1) * height + 2) / 3; y++)
                    for (unsigned x = right * width / 3; x < ((right + 1) * width + 2) / 3; x++)
                        best[channel] = std::max(best[channel], (double)number(map[(((u64)image * height + y) * width + x) * pitch + channel]));
                mean += best[channel] / channels;
            }
            for (double x : best) variance += (x - mean) * (x - mean) / channels;
            Element* to = tokens + ((u64)image * tokens_per_image + first_token + cell) * channels;
            for (unsigned channel = 0; channel < channels; channel++)
                store(to + channel, (float)((best[channel] - mean) / std::sqrt(variance + epsilon)));
        }
}

extern "C" void attend_tokens(const Element* queries, const Element* tokens, Element* output, unsigned images,
                              unsigned texts, unsigned count, unsigned heads, unsigned head_channels, float scale) {
    const unsigned channels = heads * head_channels;
    need(count <= 32, "the tokens");
    for EACH(index, (u64)images * texts * heads) {
        const unsigned head = index % heads;
        const u64 image = index / heads / texts, text = index / heads % texts;
        const Element* query = queries + text * channels + head * head_channels;
        const Element* keys = tokens + image * count * 2 * channels + head * head_channels;
        double scores[32], most = -INFINITY, sum = 0.0;
        for (unsigned token = 0; token < count; token++) {
            double score = 0.0;
            for (unsigned i = 0; i < head_channels; i++) score += (double)number(query[i]) * number(keys[(u64)token * 2 * channels + i]);
            scores[token] = score * scale;
            most = std::max(most, scores[token]);
        }
        for (unsigned token = 0; token < count; token++) sum += scores[token] = std::exp(scores[token] - most);
        for (unsigned i = 0; i < head_channels; i++) {
            double mixed = 0.0;
            for (unsigned token = 0; token < count; token++) mixed += scores[token] * number(keys[(u64)token * 2 * channels + channels + i]);
            store(output + (image * texts + text) * channels + head * head_channels + i, (float)(mixed / sum));
        }
    }
}
