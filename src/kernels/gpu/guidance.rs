//! Launches of `guidance.cu`.

use super::accelerator::{narrow, Accelerator, Argument, Blocks, Format, Kernel, Source};
use super::maps::Planar;
use super::pixels::{Pixels, LANES};
use Argument::{Words, F32, U32};

/// Pixels of a block of an attention, its warps, and threads of a block that pools, as in the kernels.
const PIXELS: usize = 64;
const WARPS: usize = 8;
const POOLING: usize = 1024;
const CELLS: usize = 3;
const TOKENS: usize = 32;

const fn kernel(format: Format, name: &'static str) -> Kernel {
    Kernel { source: Source::Guidance(format), name }
}

/// An attention between maps and texts.
#[derive(Debug)]
pub struct Attend<'a, B> {
    /// What is compared, `[images][positions]`.
    pub maps: Pixels<'a, B>,
    /// What is scaled in place, likewise.
    pub output: Pixels<'a, B>,
    /// What is compared with, `[images or 1][classes]`.
    pub guides: Pixels<'a, B>,
    /// Whether each image has guides of its own.
    pub guides_by_image: bool,
    /// Number of classes.
    pub classes: usize,
    /// Heads; their channels are the maps' in equal parts.
    pub heads: usize,
    /// `[heads]` float32.
    pub biases: &'a B,
    /// By what products are multiplied.
    pub scale: f32,
    /// Images.
    pub images: usize,
    /// Pixels of an image.
    pub positions: usize,
}

impl<B> Attend<'_, B> {
    /// The kernel for heads of so many channels, padded to blocks of lanes; `None` if there is none.
    pub fn kernel_name(head_channels: usize) -> Option<&'static str> {
        match head_channels.div_ceil(LANES) {
            1 => Some("attend_1"),
            2 => Some("attend_2"),
            4 => Some("attend_4"),
            _ => None,
        }
    }
}

/// Scales each head's channels by the logistic function of the best product with any class.
///
/// # Errors
/// As [`Accelerator::launch_blocks`].
///
/// # Panics
/// If sizes do not fit together or to the buffers, or no kernel has heads of this width.
pub fn attend<A: Accelerator>(machine: &A, format: Format, attend: &Attend<'_, A::Buffer>) -> Result<(), A::Error> {
    let &Attend { maps, output, guides, classes, heads, images, positions, .. } = attend;
    assert!(heads > 0 && classes > 0 && maps.channels.is_multiple_of(heads * LANES));
    assert!(maps.channels == output.channels && maps.channels == guides.channels);
    assert!(machine.words(attend.biases) >= heads);
    let name = Attend::<A::Buffer>::kernel_name(maps.channels / heads).expect("there is a kernel for heads so wide");
    let guide_step = if attend.guides_by_image { classes * guides.pitch } else { 0 };
    let guided = if attend.guides_by_image { images * classes } else { classes };
    let arguments = [
        maps.address(machine, format, images * positions),
        guides.address(machine, format, guided),
        output.address(machine, format, images * positions),
        Words(attend.biases, 0),
        U32(narrow(positions)),
        maps.pitch(),
        U32(narrow(classes)),
        guides.pitch(),
        U32(narrow(guide_step)),
        output.pitch(),
        F32(attend.scale),
    ];
    let blocks = Blocks {
        grid: [narrow(positions.div_ceil(PIXELS)), narrow(heads), narrow(images)],
        threads: 32 * WARPS as u32,
        shared_bytes: (WARPS * PIXELS * size_of::<f32>()) as u32,
    };
    // SAFETY: the pixels and the guides are in their buffers, the heads share the channels, and the grid covers all.
    unsafe { machine.launch_blocks(kernel(format, name), blocks, &arguments) }
}

/// Pooling of one level's map into tokens.
#[derive(Debug)]
pub struct PoolTokens<'a, B> {
    /// The map.
    pub map: Pixels<'a, B>,
    /// Its images, rows and columns.
    pub planar: Planar,
    /// `[images][tokens_an_image][channels]`.
    pub tokens: &'a B,
    /// The first of the map's nine tokens among an image's.
    pub first_token: usize,
    /// Tokens of an image.
    pub tokens_an_image: usize,
    /// What is added to the variance.
    pub epsilon: f32,
}

/// The maxima of nine cells, normalised over the channels.
///
/// # Errors
/// As [`Accelerator::launch_blocks`].
///
/// # Panics
/// If sizes do not fit together or to the buffers, or there are more channels than a block pools.
pub fn pool_tokens<A: Accelerator>(
    machine: &A,
    format: Format,
    pool: &PoolTokens<'_, A::Buffer>,
) -> Result<(), A::Error> {
    let &PoolTokens { map, planar, tokens, first_token, tokens_an_image, epsilon } = pool;
    assert!(planar.height > 0 && planar.width > 0 && first_token + CELLS * CELLS <= tokens_an_image);
    let pitch = map.channels;
    let rows = Pixels { buffer: tokens, first: 0, pitch, channels: map.channels };
    let vectors = map.channels / (4 * format.numbers_a_word());
    assert!((1..=POOLING).contains(&vectors), "{} channels in a block", map.channels);
    let arguments = [
        map.address(machine, format, planar.pixels()),
        rows.address(machine, format, planar.images * tokens_an_image),
        U32(narrow(planar.height)),
        U32(narrow(planar.width)),
        map.channels(),
        map.pitch(),
        U32(narrow(first_token)),
        U32(narrow(tokens_an_image)),
        F32(epsilon),
    ];
    let blocks = Blocks {
        grid: [(CELLS * CELLS) as u32, 1, narrow(planar.images)],
        threads: POOLING as u32,
        shared_bytes: narrow(POOLING / vectors * map.channels * size_of::<f32>()),
    };
    // SAFETY: the map and the tokens are in their buffers, and a group of threads has its maxima in shared memory.
    unsafe { machine.launch_blocks(kernel(format, "pool_tokens"), blocks, &arguments) }
}

/// Attention of texts to tokens.
#[derive(Debug)]
pub struct AttendTokens<'a, B> {
    /// `[texts]`, a head behind the other.
    pub queries: Pixels<'a, B>,
    /// `[images][count]`: the keys of all heads, then their values.
    pub tokens: Pixels<'a, B>,
    /// `[images][texts]`.
    pub output: Pixels<'a, B>,
    /// Images.
    pub images: usize,
    /// Texts.
    pub texts: usize,
    /// Tokens of an image.
    pub count: usize,
    /// Heads.
    pub heads: usize,
    /// By what products are multiplied.
    pub scale: f32,
}

/// Each text's mean of the tokens' values by the softmax of its products with their keys, head by head.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit together or to the buffers, or there are more tokens than a thread keeps.
pub fn attend_tokens<A: Accelerator>(
    machine: &A,
    format: Format,
    attend: &AttendTokens<'_, A::Buffer>,
) -> Result<(), A::Error> {
    let &AttendTokens { queries, tokens, output, images, texts, count, heads, scale } = attend;
    let channels = queries.channels;
    assert!(heads > 0 && channels.is_multiple_of(heads * LANES) && (1..=TOKENS).contains(&count));
    assert!(tokens.channels == 2 * channels && output.channels == channels);
    // The kernel takes rows without gaps.
    assert!([queries, tokens, output].iter().all(|rows| rows.pitch == rows.channels));
    let arguments = [
        queries.address(machine, format, texts),
        tokens.address(machine, format, images * count),
        output.address(machine, format, images * texts),
        U32(narrow(images)),
        U32(narrow(texts)),
        U32(narrow(count)),
        U32(narrow(heads)),
        U32(narrow(channels / heads)),
        F32(scale),
    ];
    // SAFETY: rows of all three are in their buffers; four threads compute a head of a text.
    unsafe { machine.launch(kernel(format, "attend_tokens"), 4 * images * texts * heads, &arguments) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_kernels_by_their_blocks() {
        let name = Attend::<()>::kernel_name;
        assert_eq!([1, 16, 17, 32].map(name), [Some("attend_1"), Some("attend_1"), Some("attend_2"), Some("attend_2")]);
        assert_eq!([33, 48, 49, 64, 65].map(name), [None, None, Some("attend_4"), Some("attend_4"), None]);
    }
}
