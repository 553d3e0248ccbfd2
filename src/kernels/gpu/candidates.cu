// From head outputs to the best candidates in order: boxes, scores above the threshold, the best of them, ranked.
//
// A candidate is one number of 64 bits: the complement of its score's bits above position * classes + class, so that
// ascending numbers are descending scores, ties by position, then class; no two are the same.
#include "arithmetic.cuh"

// [4][positions]: for each side the mean of 0, 1, .. under the softmax of its bins, [4][bins][positions].
extern "C" __global__ void expected_distances(const float* bins_of_sides, unsigned bins, unsigned positions,
                                              float* distances) {
    for EACH(index, 4ull * positions) {
        const float* scores = bins_of_sides + index / positions * bins * positions + index % positions;
        float most = scores[0];
        for (unsigned bin = 1; bin < bins; bin++) most = fmaxf(most, scores[(u64)bin * positions]);
        float sum = 0.0f, weighted = 0.0f;
        for (unsigned bin = 0; bin < bins; bin++) {
            float weight = exponential(scores[(u64)bin * positions] - most);
            sum += weight;
            weighted += (float)bin * weight;
        }
        distances[index] = weighted / sum;
    }
}

// Boxes of one level, [x1, y1, x2, y2] a position, after the `first` positions of the levels before.
extern "C" __global__ void decode_boxes(const float* distances, unsigned positions, unsigned width, float stride,
                                        unsigned first, float* boxes) {
    for EACH(position, positions) {
        float x = ((float)(unsigned)(position % width) + 0.5f) * stride;
        float y = ((float)(unsigned)(position / width) + 0.5f) * stride;
        float* box = boxes + 4 * (first + position);
        box[0] = x - distances[position] * stride;
        box[1] = y - distances[positions + position] * stride;
        box[2] = x + distances[2ull * positions + position] * stride;
        box[3] = y + distances[3ull * positions + position] * stride;
    }
}

// Appends every candidate of one level's logits, [classes][positions], in any order. `floor` is a logit below which
// no score is above the threshold.
extern "C" __global__ void collect_candidates(const float* logits, unsigned classes, unsigned positions,
                                              unsigned first, const float* boxes, float floor, float threshold,
                                              unsigned* count, u64* candidates) {
    for EACH(index, (u64)classes * positions) {
        float logit = logits[index];
        if (!(logit >= floor)) continue;
        u64 position = first + index % positions;
        const float* box = boxes + 4 * position;
        if (!is_finite(box[0]) || !is_finite(box[1]) || !is_finite(box[2]) || !is_finite(box[3])) continue;
        float score = sigmoid(logit);
        if (!(score > threshold)) continue;
        u64 pair = position * classes + index / positions;
        candidates[atomicAdd(count, 1u)] = (u64)~__float_as_uint(score) << 32 | pair;
    }
}

// Counts one digit (8 bits from `shift` on) of the candidates whose higher digits are those of `*bound`. Does nothing
// where there are no more candidates than wanted. Neighbours with one digit are added together.
extern "C" __global__ void count_digits(const u64* candidates, const unsigned* count, unsigned wanted, unsigned shift,
                                        const u64* bound, unsigned* histogram) {
    if (*count <= wanted) return;
    u64 higher = shift == 56 ? 0 : ~0ull << (shift + 8);
    unsigned last = 0, held = 0;
    for EACH(index, *count) {
        u64 candidate = candidates[index];
        if ((candidate ^ *bound) & higher) continue;
        unsigned digit = (unsigned)(candidate >> shift) & 255u;
        if (digit != last && held > 0) {
            atomicAdd(histogram + last, held);
            held = 0;
        }
        last = digit;
        held++;
    }
    if (held > 0) atomicAdd(histogram + last, held);
}

// Fixes the digit of `*bound`, the candidate that is the last of the wanted ones; `*rank` is how many of those share
// its higher digits. Clears the histogram for the next digit. For one thread.
extern "C" __global__ void choose_digit(const unsigned* count, unsigned wanted, unsigned shift, u64* bound,
                                        unsigned* rank, unsigned* histogram) {
    if (first_index() > 0 || *count <= wanted || wanted == 0) return;
    unsigned left = shift == 56 ? wanted : *rank;
    unsigned digit = 0;
    while (digit < 255 && histogram[digit] < left) {
        left -= histogram[digit];
        digit++;
    }
    *bound |= (u64)digit << shift;
    *rank = left;
    for (unsigned other = 0; other < 256; other++) histogram[other] = 0;
}

// Appends the wanted candidates: all, or those up to the bound.
extern "C" __global__ void keep_best(const u64* candidates, const unsigned* count, unsigned wanted, const u64* bound,
                                     unsigned* kept_count, u64* kept) {
    if (wanted == 0) return;
    for EACH(index, *count) {
        if (*count > wanted && candidates[index] > *bound) continue;
        kept[atomicAdd(kept_count, 1u)] = candidates[index];
    }
}

// Puts each candidate where its rank is: as many places after the first as there are smaller ones.
extern "C" __global__ void rank_candidates(const u64* kept, const unsigned* kept_count, u64* ranked) {
    for EACH(index, *kept_count) {
        u64 candidate = kept[index];
        unsigned smaller = 0;
        for (unsigned other = 0; other < *kept_count; other++) smaller += kept[other] < candidate;
        ranked[smaller] = candidate;
    }
}
