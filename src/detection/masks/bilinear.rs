//! Bilinear interpolation as torch defines it: half-pixel centres, no antialiasing.

/// Where one output sample comes from along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tap {
    /// The input sample at or before it.
    pub low: usize,
    /// The one after, or the last.
    pub high: usize,
    /// Weight of `low`.
    pub low_weight: f32,
    /// Weight of `high`.
    pub high_weight: f32,
}

impl Tap {
    /// The weights of `low` and `high`.
    pub fn weights(&self) -> [f32; 2] {
        [self.low_weight, self.high_weight]
    }

    /// The weighted sum of the two samples, each product rounded before the sum.
    #[inline]
    pub fn mix(&self, low: f32, high: f32) -> f32 {
        self.low_weight * low + self.high_weight * high
    }
}

/// The taps of `output` samples among `input` samples; none where there is no input.
///
/// `interpolate(mode="bilinear", align_corners=False)`: the source coordinate is
/// `scale * (index + 0.5) - 0.5` in f32, at least 0, and the last sample is repeated.
pub(super) fn taps(input: usize, output: usize) -> Vec<Tap> {
    if input == 0 {
        return Vec::new();
    }
    let scale = input as f32 / output as f32;
    (0..output).map(|index| tap(scale, index, input - 1)).collect()
}

fn tap(scale: f32, index: usize, last: usize) -> Tap {
    let source = (scale * (index as f32 + 0.5) - 0.5).max(0.0);
    let low = (source as usize).min(last);
    let high_weight = (source - low as f32).clamp(0.0, 1.0);
    Tap { low, high: (low + 1).min(last), low_weight: 1.0 - high_weight, high_weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_by_four_has_four_phases() {
        let taps = taps(3, 12);
        let sources: Vec<_> = taps.iter().map(|tap| tap.low as f32 + tap.high_weight).collect();
        assert_eq!(sources[..7], [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.125]);
        assert_eq!((taps[11].low, taps[11].high), (2, 2));
    }

    #[test]
    fn the_same_size_takes_each_sample_whole() {
        for (index, tap) in taps(5, 5).iter().enumerate() {
            assert_eq!((tap.low, tap.low_weight, tap.high_weight), (index, 1.0, 0.0));
        }
    }

    #[test]
    fn no_input_has_no_taps() {
        assert!(taps(0, 7).is_empty());
        assert!(taps(7, 0).is_empty());
    }
}
