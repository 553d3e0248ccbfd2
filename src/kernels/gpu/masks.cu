// Masks of the survivors at the original image's size, as bits, and their records: all that is copied back.
#include "arithmetic.cuh"

// Words of a record: class, score, position, box [4], first column, columns, first word of a column, words a column,
// and where its mask begins among all masks' words (two halves).
#define RECORD 13
// Channels of a prototype map.
#define CHANNELS 32

struct Tap {
    unsigned low, high;
    float low_weight, high_weight;
};

// Where output sample `index` of `output` comes from among `input` samples: see detection/masks/bilinear.rs.
__device__ inline Tap tap_of(unsigned input, unsigned output, unsigned index) {
    float scale = (float)input / (float)output;
    float source = fmaxf(scale * ((float)index + 0.5f) - 0.5f, 0.0f);
    unsigned last = input - 1;
    unsigned low = source < (float)last ? (unsigned)source : last;
    low = low < last ? low : last;
    float weight = fminf(fmaxf(source - (float)low, 0.0f), 1.0f);
    Tap tap = {low, low < last ? low + 1 : last, 1.0f - weight, weight};
    return tap;
}

__device__ inline float mix(Tap tap, float low, float high) { return tap.low_weight * low + tap.high_weight * high; }

// A number of pixels as a cast in Rust makes it: saturated, 0 for NaN.
__device__ inline unsigned whole_pixels(float x, unsigned most) {
    if (!(x > 0.0f)) return 0;
    return x >= (float)most ? most : (unsigned)x;
}

// Whole pixels of from..to with low <= pixel < high; none for NaN.
__device__ inline void pixels_between(float low, float high, unsigned from, unsigned to, unsigned* start,
                                      unsigned* end) {
    unsigned first = whole_pixels(ceilf(low), to), last = whole_pixels(ceilf(high), to);
    *start = first < from ? from : first;
    *end = last < *start ? *start : last;
    if (low != low) *end = *start;
}

// Pixels of the original image that mix at least one of start..end of the kept ones.
__device__ inline void reach_of(unsigned kept, unsigned original, unsigned start, unsigned end, unsigned* first,
                                unsigned* last) {
    unsigned low = 0, high = original;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (tap_of(kept, original, middle).high < start) low = middle + 1; else high = middle;
    }
    *first = low;
    high = original;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (tap_of(kept, original, middle).low < end) low = middle + 1; else high = middle;
    }
    *last = low;
}

// Pixels of one axis that a mask can reach: all, where the threshold is below what lies outside the box.
__device__ inline void window_of(float low, float high, unsigned from, unsigned to, unsigned original, float threshold,
                                 unsigned* first, unsigned* last) {
    *first = *last = 0;
    if (from >= to || original == 0) return;
    if (threshold < 0.0f) {
        *last = original;
        return;
    }
    unsigned start, end;
    pixels_between(low, high, from, to, &start, &end);
    if (start < end) reach_of(to - from, original, start - from, end - from, first, last);
}

// Writes the survivors' records, but for where their masks begin.
extern "C" __global__ void describe_survivors(const u64* ranked, const unsigned* survivors,
                                              const unsigned* survivor_count, unsigned classes, const float* boxes,
                                              unsigned kept_top, unsigned kept_bottom, unsigned kept_left,
                                              unsigned kept_right, unsigned height, unsigned width, float threshold,
                                              unsigned* records) {
    for EACH(index, *survivor_count) {
        u64 candidate = ranked[survivors[index]];
        unsigned position = (unsigned)candidate / classes;
        const float* box = boxes + 4 * (u64)position;
        unsigned* record = records + RECORD * index;
        record[0] = (unsigned)candidate % classes;
        record[1] = ~(unsigned)(candidate >> 32);
        record[2] = position;
        for (int side = 0; side < 4; side++) record[3 + side] = __float_as_uint(box[side]);
        unsigned top, bottom, left, right;
        window_of(box[1], box[3], kept_top, kept_bottom, height, threshold, &top, &bottom);
        window_of(box[0], box[2], kept_left, kept_right, width, threshold, &left, &right);
        bool empty = top >= bottom || left >= right;
        record[7] = empty ? 0 : left;
        record[8] = empty ? 0 : right - left;
        record[9] = empty ? 0 : top / 32;
        record[10] = empty ? 0 : (bottom + 31) / 32 - top / 32;
    }
}

// Lays the masks one behind the other; `head` becomes the number of records and that of the masks' words (two
// halves). For one thread.
extern "C" __global__ void place_masks(const unsigned* survivor_count, unsigned* head, unsigned* records) {
    if (first_index() > 0) return;
    u64 next = 0;
    for (unsigned index = 0; index < *survivor_count; index++) {
        unsigned* record = records + (u64)RECORD * index;
        record[11] = (unsigned)next;
        record[12] = (unsigned)(next >> 32);
        next += (u64)record[8] * record[10];
    }
    head[0] = *survivor_count;
    head[1] = (unsigned)next;
    head[2] = (unsigned)(next >> 32);
}

// Coefficients of those of `detections` survivors from `first_detection` on whose positions lie on one level.
extern "C" __global__ void gather_coefficients(const float* coefficients, unsigned positions, unsigned first,
                                               const unsigned* records, const unsigned* survivor_count,
                                               unsigned first_detection, unsigned detections, float* gathered) {
    for EACH(index, (u64)detections * CHANNELS) {
        u64 detection = first_detection + index / CHANNELS;
        if (detection >= *survivor_count) return;
        unsigned position = records[RECORD * detection + 2];
        if (position < first || position - first >= positions) continue;
        gathered[index] = coefficients[index % CHANNELS * positions + (position - first)];
    }
}

// Mask probabilities at the prototypes' size, [detections][pixels].
extern "C" __global__ void mask_probabilities(const float* prototypes, unsigned pixels, const float* gathered,
                                              const unsigned* survivor_count, unsigned first_detection,
                                              unsigned detections, float* probabilities) {
    for EACH(index, (u64)detections * pixels) {
        u64 offset = index / pixels, pixel = index % pixels;
        if (first_detection + offset >= *survivor_count) return;
        float sum = 0.0f;
        for (unsigned channel = 0; channel < CHANNELS; channel++) {
            sum += gathered[offset * CHANNELS + channel] * prototypes[(u64)channel * pixels + pixel];
        }
        probabilities[index] = fmaxf(sigmoid(sum), 0.0f);
    }
}

// A detection's box and probabilities.
struct Source {
    const float* probabilities;
    unsigned height, width, side;
    unsigned top, bottom, left, right;
};

// A pixel of the square input: the enlarged probability, 0 outside the box.
__device__ inline float square_pixel(const Source* source, unsigned row, unsigned column) {
    if (row < source->top || row >= source->bottom || column < source->left || column >= source->right) return 0.0f;
    Tap down = tap_of(source->height, source->side, row), across = tap_of(source->width, source->side, column);
    const float* low = source->probabilities + (u64)down.low * source->width;
    const float* high = source->probabilities + (u64)down.high * source->width;
    return mix(down, mix(across, low[across.low], low[across.high]), mix(across, high[across.low], high[across.high]));
}

// Words `first_word`.. of all masks: each 32 pixels of a column, the upper ones in the lower bits, 1 above the
// threshold. Only masks of `detections` survivors from `first_detection` on are written.
extern "C" __global__ void assemble_masks(const unsigned* head, const unsigned* records, const float* probabilities,
                                          unsigned prototype_height, unsigned prototype_width, unsigned side,
                                          unsigned kept_top, unsigned kept_bottom, unsigned kept_left,
                                          unsigned kept_right, unsigned height, unsigned width, float threshold,
                                          unsigned first_detection, unsigned detections, u64 first_word,
                                          unsigned words, unsigned* masks) {
    unsigned end = first_detection + detections < head[0] ? first_detection + detections : head[0];
    u64 all = (u64)head[2] << 32 | head[1];
    for EACH(index, words) {
        u64 word = first_word + index;
        if (word >= all) return;
        // The last mask that begins at or before the word: empty ones before it begin there as well.
        unsigned low = first_detection, high = end;
        while (low < high) {
            unsigned middle = low + (high - low) / 2;
            const unsigned* record = records + (u64)RECORD * middle;
            if (((u64)record[12] << 32 | record[11]) <= word) low = middle + 1; else high = middle;
        }
        if (low == first_detection) continue;
        const unsigned* record = records + (u64)RECORD * (low - 1);
        u64 within = word - ((u64)record[12] << 32 | record[11]);
        if (within >= (u64)record[8] * record[10]) continue;
        Source source = {probabilities + (u64)(low - 1 - first_detection) * prototype_height * prototype_width,
                         prototype_height, prototype_width, side, 0, 0, 0, 0};
        pixels_between(__uint_as_float(record[4]), __uint_as_float(record[6]), 0, side, &source.top, &source.bottom);
        pixels_between(__uint_as_float(record[3]), __uint_as_float(record[5]), 0, side, &source.left, &source.right);
        unsigned column = record[7] + (unsigned)(within / record[10]);
        unsigned row = 32 * (record[9] + (unsigned)(within % record[10]));
        Tap across = tap_of(kept_right - kept_left, width, column);
        unsigned bits = 0;
        for (unsigned bit = 0; bit < 32 && row + bit < height; bit++) {
            Tap down = tap_of(kept_bottom - kept_top, height, row + bit);
            float value = mix(down,
                mix(across, square_pixel(&source, kept_top + down.low, kept_left + across.low),
                            square_pixel(&source, kept_top + down.low, kept_left + across.high)),
                mix(across, square_pixel(&source, kept_top + down.high, kept_left + across.low),
                            square_pixel(&source, kept_top + down.high, kept_left + across.high)));
            if (value > threshold) bits |= 1u << bit;
        }
        masks[index] = bits;
    }
}
