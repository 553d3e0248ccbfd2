// What a network does to maps besides convolving them, pixel by pixel in vectors of channels.
//
// Maps lie in the order rows, columns, channels, their pixels `pitch` numbers apart; pitches and numbers of channels are
// multiples of LANES, and pointers those of vectors.
#include "elements.cuh"

// Channels of the image's pixels: three, and zeros.
#define IMAGE_CHANNELS 16

__device__ inline void store_pixel(Element* to, float red, float green, float blue) {
    float channels[IMAGE_CHANNELS] = {red, green, blue};
    for (int i = 0; i < IMAGE_CHANNELS; i += LANES) store_vector(to + i, pack(channels + i));
}

// An image's pixels from its bytes, [pixels][3], as fractions of 255.
extern "C" __global__ void write_bytes(const unsigned* bytes, Element* output, unsigned pixels, unsigned pitch) {
    in_turn();
    const unsigned char* from = reinterpret_cast<const unsigned char*>(bytes);
    for EACH(pixel, pixels) {
        const unsigned char* rgb = from + 3 * pixel;
        store_pixel(output + pixel * pitch, rgb[0] / 255.0f, rgb[1] / 255.0f, rgb[2] / 255.0f);
    }
}

// Images' pixels from their planes, [images][3][pixels].
extern "C" __global__ void write_planes(const float* planes, Element* output, unsigned images, unsigned pixels,
                                        unsigned pitch) {
    in_turn();
    for EACH(index, (u64)images * pixels) {
        const float* from = planes + index / pixels * 3 * pixels + index % pixels;
        store_pixel(output + index * pitch, from[0], from[pixels], from[2 * pixels]);
    }
}

extern "C" __global__ void copy_maps(const Element* input, Element* output, unsigned pixels, unsigned channels,
                                     unsigned in_pitch, unsigned out_pitch) {
    in_turn();
    const unsigned vectors = channels / LANES;
    for EACH(index, (u64)pixels * vectors) {
        u64 pixel = index / vectors, channel = index % vectors * LANES;
        store_vector(output + pixel * out_pitch + channel, load_vector(input + pixel * in_pitch + channel));
    }
}

extern "C" __global__ void add_maps(const Element* first, const Element* second, Element* output, unsigned pixels,
                                    unsigned channels, unsigned first_pitch, unsigned second_pitch, unsigned out_pitch) {
    in_turn();
    const unsigned vectors = channels / LANES;
    for EACH(index, (u64)pixels * vectors) {
        u64 pixel = index / vectors, channel = index % vectors * LANES;
        float a[LANES], b[LANES];
        unpack(load_vector(first + pixel * first_pitch + channel), a);
        unpack(load_vector(second + pixel * second_pitch + channel), b);
        for (int i = 0; i < LANES; i++) a[i] += b[i];
        store_vector(output + pixel * out_pitch + channel, pack(a));
    }
}

// Each pixel twice in both directions; height and width are the input's.
extern "C" __global__ void upsample_maps(const Element* input, Element* output, unsigned images, unsigned height,
                                         unsigned width, unsigned channels, unsigned in_pitch, unsigned out_pitch) {
    in_turn();
    const unsigned vectors = channels / LANES;
    for EACH(index, (u64)images * 4 * height * width * vectors) {
        u64 pixel = index / vectors, channel = index % vectors * LANES;
        u64 row = pixel / (2 * width) / 2, column = pixel % (2 * width) / 2;
        store_vector(output + pixel * out_pitch + channel, load_vector(input + (row * width + column) * in_pitch + channel));
    }
}

// Maxima over a square window of stride 1 of what of it lies in the map.
extern "C" __global__ void pool_maps(const Element* input, Element* output, unsigned images, unsigned height,
                                     unsigned width, unsigned channels, unsigned in_pitch, unsigned out_pitch,
                                     unsigned kernel) {
    in_turn();
    const unsigned vectors = channels / LANES;
    const int margin = kernel / 2;
    for EACH(index, (u64)images * height * width * vectors) {
        u64 pixel = index / vectors, channel = index % vectors * LANES;
        int row = pixel / width % height, column = pixel % width;
        const Element* image = input + pixel / ((u64)height * width) * height * width * in_pitch + channel;
        float best[LANES], other[LANES];
        unpack(load_vector(image + ((u64)row * width + column) * in_pitch), best);
        for (int y = row - margin; y <= row + margin; y++)
            for (int x = column - margin; x <= column + margin; x++) {
                if (y < 0 || y >= (int)height || x < 0 || x >= (int)width) continue;
                unpack(load_vector(image + ((u64)y * width + x) * in_pitch), other);
                for (int i = 0; i < LANES; i++) best[i] = other[i] > best[i] ? other[i] : best[i];
            }
        store_vector(output + pixel * out_pitch + channel, pack(best));
    }
}

// One over each pixel's Euclidean length, which counts as 1e-12 where it is less; a warp a pixel.
extern "C" __global__ void inverse_lengths(const Element* input, float* factors, unsigned pixels, unsigned channels,
                                           unsigned pitch) {
    in_turn();
    const unsigned warps = gridDim.x * blockDim.x / 32, lane = threadIdx.x % 32;
    for (u64 pixel = first_index() / 32; pixel < pixels; pixel += warps) {
        float sum = 0.0f, numbers[LANES];
        for (unsigned channel = lane * LANES; channel < channels; channel += 32 * LANES) {
            unpack(load_vector(input + pixel * pitch + channel), numbers);
            for (int i = 0; i < LANES; i++) sum += numbers[i] * numbers[i];
        }
        sum = warp_sum(sum);
        float length = sqrtf(sum);
        if (lane == 0) factors[pixel] = 1.0f / (length < 1e-12f ? 1e-12f : length);
    }
}
