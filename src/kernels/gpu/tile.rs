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
/// Multiprocessors of an H100, on which the times below were measured.
const MULTIPROCESSORS: usize = 132;
/// Bytes of shared memory that its blocks share, and those that each takes besides.
const SHARED_BYTES: usize = 220 << 10;
const OWN_BYTES: usize = 1 << 10;
/// Threads that they share, and those of a block that copy.
const THREADS: usize = 2048;
const COPIERS: usize = 128;
/// Into how many parts a tile's sum may be cut.
const PARTS: [usize; 5] = [1, 2, 3, 4, 8];

impl Tile {
    /// Bytes of shared memory.
    pub fn shared_bytes(&self) -> u32 {
        let (factors, barriers) = ((self.rows + self.columns) * SLICE_BYTES, 2 * size_of::<u64>());
        (self.stages * (factors + barriers) + self.columns * size_of::<f32>()) as u32
    }

    /// Tiles that cover a result.
    pub fn count(&self, pixels: usize, out_channels: usize) -> usize {
        pixels.div_ceil(self.rows) * out_channels.div_ceil(self.columns)
    }

    /// Blocks that a multiprocessor runs at the same time.
    fn resident(&self) -> usize {
        let by_memory = SHARED_BYTES / (self.shared_bytes() as usize + OWN_BYTES);
        by_memory.min(THREADS / (self.threads as usize + COPIERS)).max(1)
    }

    /// Microseconds that a result takes, less what all ways have in common: fitted to measured times of a network's
    /// layers. A slice costs by its rows and columns, more where nothing else is there to wait with; a tile is written
    /// once; parts are written and read.
    fn cost(&self, pixels: usize, out_channels: usize, slices: usize, parts: usize) -> f64 {
        let sides = (self.rows + self.columns) as f64 / 128.0;
        let area = (self.rows * self.columns) as f64 / 16384.0;
        let blocks = (self.count(pixels, out_channels) * parts).div_ceil(MULTIPROCESSORS);
        let turns = blocks.div_ceil(self.resident()) as f64;
        let slices = slices as f64 / parts as f64;
        let alone = turns * slices * (0.023 + 0.30 * sides + 0.031 * area);
        let together = blocks as f64 * slices * (0.20 * sides + 0.031 * area);
        let cut = if parts > 1 { 2.0 + 1.65 * parts as f64 * area } else { 0.0 };
        alone.max(together) + turns * (0.43 * area + 0.3) + cut
    }
}

/// The tile for a result, and how many blocks share each with a part of the slices.
pub fn choose(pixels: usize, out_channels: usize, slices: usize) -> (Tile, usize) {
    // A part has two slices at least.
    let parts = PARTS.iter().copied().filter(|&parts| parts == 1 || slices >= 2 * parts);
    let ways = parts.flat_map(|parts| TILES.map(|tile| (tile, parts)));
    let cost = |&(tile, parts): &(Tile, usize)| tile.cost(pixels, out_channels, slices, parts);
    ways.min_by(|a, b| cost(a).total_cmp(&cost(b))).expect("there are tiles")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_results_take_large_tiles_and_small_ones_are_cut() {
        let (large, parts) = choose(160 * 160 * 8, 256, 36);
        assert!(large.rows * large.columns >= 64 * 128 && parts == 1, "{large:?} {parts}");
        let (small, parts) = choose(400, 256, 36);
        assert!(small.rows * small.columns <= 64 * 64 && parts > 1, "{small:?} {parts}");
        let (narrow, parts) = choose(320 * 320, 32, 1);
        assert!(narrow.columns == 32 && parts == 1, "{narrow:?} {parts}");
        assert_eq!(choose(1, 1, 1).1, 1, "a slice has no parts");
    }

    #[test]
    fn parts_are_never_more_than_slices_or_than_a_kernel_adds() {
        for (pixels, channels, slices) in [(1, 1, 1), (400, 512, 3), (25, 1203, 16), (6400, 64, 9), (1, 16, 4000)] {
            let (_, parts) = choose(pixels, channels, slices);
            assert!(parts <= slices && parts <= 8, "{pixels} {channels} {slices}: {parts}");
        }
    }

    #[test]
    fn no_tile_takes_more_memory_than_a_multiprocessor_has() {
        for tile in TILES {
            assert!(tile.shared_bytes() <= 227 << 10, "{tile:?}");
            assert_eq!(tile.name, format!("convolve_{}x{}x{}", tile.rows, tile.columns, tile.stages));
        }
    }
}
