//! Which tiles a convolution is computed in.

/// A part of a convolution's result that a block computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// The kernel's name in `convolution.cu`.
    pub name: &'static str,
    /// Pixels.
    pub rows: usize,
    /// Output channels.
    pub columns: usize,
    /// Threads of its block.
    pub threads: u32,
    /// Slices of the factors that are in shared memory at the same time.
    pub stages: usize,
}

/// The tiles that there are.
pub const TILES: [Tile; 8] = [
    Tile { name: "convolve_128x128x4", rows: 128, columns: 128, threads: 256, stages: 4 },
    Tile { name: "convolve_128x64x4", rows: 128, columns: 64, threads: 256, stages: 4 },
    Tile { name: "convolve_64x128x4", rows: 64, columns: 128, threads: 128, stages: 4 },
    Tile { name: "convolve_64x64x4", rows: 64, columns: 64, threads: 128, stages: 4 },
    Tile { name: "convolve_64x64x8", rows: 64, columns: 64, threads: 128, stages: 8 },
    Tile { name: "convolve_128x32x4", rows: 128, columns: 32, threads: 256, stages: 4 },
    Tile { name: "convolve_64x32x4", rows: 64, columns: 32, threads: 128, stages: 4 },
    Tile { name: "convolve_64x32x8", rows: 64, columns: 32, threads: 128, stages: 8 },
];

/// Bytes of a row in a slice.
const SLICE_BYTES: usize = 128;
/// Blocks that fill a GPU once: an H100 has so many multiprocessors.
const BLOCKS: usize = 132;
/// Parts that a tile's sum is cut into at most.
const MOST_PARTS: usize = 8;
/// Slices that a part has at least.
const LEAST_SLICES: usize = 4;

impl Tile {
    /// Bytes of shared memory.
    pub fn shared_bytes(&self) -> u32 {
        let (factors, barriers, biases) =
            ((self.rows + self.columns) * SLICE_BYTES, 2 * size_of::<u64>(), size_of::<f32>());
        (self.stages * (factors + barriers) + self.columns * biases) as u32
    }

    /// Tiles that cover a result.
    pub fn count(&self, pixels: usize, out_channels: usize) -> usize {
        pixels.div_ceil(self.rows) * out_channels.div_ceil(self.columns)
    }
}

/// The tile for a result, and how many blocks share each with a part of the slices: the largest tile of which there are
/// enough to fill the GPU, else more parts of smaller ones.
pub fn choose(pixels: usize, out_channels: usize, slices: usize) -> (Tile, usize) {
    let fits = |tile: &&Tile| tile.columns < out_channels + 32 && (tile.columns > 32) == (out_channels > 32);
    let fitting = || TILES.iter().filter(fits);
    let filling = fitting().find(|tile| tile.count(pixels, out_channels) >= BLOCKS);
    let tile = *filling.or_else(|| fitting().next_back()).expect("there is a tile for few channels and one for many");
    let most = MOST_PARTS.min(slices / LEAST_SLICES).max(1);
    (tile, (2 * BLOCKS / tile.count(pixels, out_channels).max(1)).clamp(1, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_results_take_large_tiles_and_small_ones_are_cut() {
        let name = |pixels, channels, slices| {
            let (tile, parts) = choose(pixels, channels, slices);
            (tile.name, parts)
        };
        assert_eq!(name(80 * 80 * 8, 256, 36), ("convolve_128x128", 1));
        assert_eq!(name(80 * 80 * 8, 64, 36), ("convolve_128x64", 1));
        assert_eq!(name(320 * 320, 32, 1), ("convolve_128x32", 1));
        assert_eq!(name(400, 512, 72), ("convolve_64x64", 4));
        assert_eq!(name(400, 16, 2), ("convolve_64x32", 1));
        assert_eq!(name(1, 1, 1000), ("convolve_64x32", 8));
    }

    #[test]
    fn no_tile_takes_more_memory_than_a_multiprocessor_has() {
        for tile in TILES {
            assert!(tile.shared_bytes() <= 227 << 10, "{tile:?}");
            assert_eq!(tile.name, format!("convolve_{}x{}x{}", tile.rows, tile.columns, tile.stages));
        }
    }
}
