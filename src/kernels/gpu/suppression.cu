// Non-maximum suppression of ranked candidates, each class at a place of its own, by stretches of candidates.
#include "arithmetic.cuh"

// Ordered bits of the largest coordinate of all candidates' boxes.
extern "C" __global__ void largest_coordinate(const u64* ranked, const unsigned* count, unsigned classes,
                                              const float* boxes, unsigned* largest) {
    for EACH(index, *count) {
        const float* box = boxes + 4 * ((unsigned)ranked[index] / classes);
        float most = fmaxf(fmaxf(box[0], box[1]), fmaxf(box[2], box[3]));
        if (ordered_bits(most) > *largest) atomicMax(largest, ordered_bits(most));
    }
}

// Candidates at their classes' places: [x1, y1, x2, y2, area] each.
extern "C" __global__ void shift_boxes(const u64* ranked, const unsigned* count, unsigned classes, const float* boxes,
                                       const unsigned* largest, float* shifted) {
    float step = of_ordered_bits(*largest) + 1.0f;
    for EACH(index, *count) {
        unsigned pair = (unsigned)ranked[index];
        const float* box = boxes + 4 * (u64)(pair / classes);
        float offset = (float)(pair % classes) * step;
        float* place = shifted + 5 * index;
        for (int side = 0; side < 4; side++) place[side] = box[side] + offset;
        place[4] = (place[2] - place[0]) * (place[3] - place[1]);
    }
}

__device__ inline bool overlaps(const float* a, const float* b, float iou) {
    float width = fmaxf(fminf(a[2], b[2]) - fmaxf(a[0], b[0]), 0.0f);
    float height = fmaxf(fminf(a[3], b[3]) - fmaxf(a[1], b[1]), 0.0f);
    float intersection = width * height;
    return intersection / (a[4] + b[4] - intersection) > iou;
}

// Whether an earlier candidate can suppress a later one: from `split` candidates on only one of its own class can.
__device__ inline bool suppresses(const u64* ranked, const float* shifted, u64 earlier, u64 later, unsigned classes,
                                  bool split, float iou) {
    bool other_class = (unsigned)ranked[earlier] % classes != (unsigned)ranked[later] % classes;
    return !(split && other_class) && overlaps(shifted + 5 * earlier, shifted + 5 * later, iou);
}

// Marks the candidates of a stretch that a survivor of the stretches before suppresses.
extern "C" __global__ void suppress_by_survivors(const u64* ranked, const unsigned* count, unsigned classes,
                                                 const float* shifted, unsigned split, float iou, unsigned start,
                                                 unsigned length, const unsigned* survivors,
                                                 const unsigned* survivor_count, unsigned limit,
                                                 unsigned* suppressed) {
    if (*survivor_count >= limit) return;
    for EACH(offset, length) {
        if (start + offset >= *count) return;
        unsigned any = 0;
        for (unsigned index = 0; index < *survivor_count && !any; index++) {
            any = suppresses(ranked, shifted, survivors[index], start + offset, classes, *count >= split, iou);
        }
        suppressed[offset] = any;
    }
}

// For each candidate of a stretch the later ones of it that it would suppress: `words` words of 32 bits each.
extern "C" __global__ void suppress_in_stretch(const u64* ranked, const unsigned* count, unsigned classes,
                                               const float* shifted, unsigned split, float iou, unsigned start,
                                               unsigned words, const unsigned* survivor_count, unsigned limit,
                                               unsigned* later) {
    if (*survivor_count >= limit) return;
    for EACH(index, 32ull * words * words) {
        u64 earlier = start + index / words, first = start + index % words * 32;
        if (earlier >= *count) return;
        unsigned bits = 0;
        for (unsigned bit = 0; bit < 32; bit++) {
            u64 other = first + bit;
            if (other <= earlier || other >= *count) continue;
            if (suppresses(ranked, shifted, earlier, other, classes, *count >= split, iou)) bits |= 1u << bit;
        }
        later[index] = bits;
    }
}

// Appends the survivors of a stretch, best first, until there are as many as wanted. For one thread.
extern "C" __global__ void choose_survivors(const unsigned* count, unsigned start, unsigned words,
                                            const unsigned* later, unsigned limit, unsigned* suppressed,
                                            unsigned* survivors, unsigned* survivor_count) {
    if (first_index() > 0) return;
    unsigned length = 32 * words, chosen = *survivor_count;
    for (unsigned offset = 0; offset < length && (u64)start + offset < *count && chosen < limit; offset++) {
        if (suppressed[offset]) continue;
        survivors[chosen++] = start + offset;
        for (unsigned word = offset / 32; word < words; word++) {
            unsigned bits = later[(u64)offset * words + word];
            for (unsigned bit = 0; bits != 0; bit++, bits >>= 1) {
                if (bits & 1u) suppressed[32 * word + bit] = 1;
            }
        }
    }
    *survivor_count = chosen;
}
