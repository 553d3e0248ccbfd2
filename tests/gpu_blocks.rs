//! The kernels of a network on a GPU that work in blocks, run on the processor thread by thread, against plain twins of
//! them: barriers, shared memory, the exchange within warps, tiles and parts.

#[allow(dead_code)]
#[path = "gpu/host.rs"]
mod host;

use half::f16;
use host::{Buffer, Host};
use zoobench::kernels::gpu::{
    attend, attend_tokens, convolve_in, inverse_lengths, pool_tokens, Accelerator, Attend, AttendTokens, Convolution,
    ConvolutionOutput, ConvolutionScratch, Filter, Format, Pixels, Planar, PoolTokens, Tile, WeightPlaces, TILES,
};

/// The same machine twice: its kernels' blocks, and their twins.
struct Both {
    format: Format,
    hosts: [Host; 2],
}

/// Numbers in both machines' memory.
struct Numbers {
    buffers: [Buffer; 2],
}

impl Both {
    /// `None` without a C++ compiler, which is said past the test's own output.
    fn start(format: Format) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a place for the programs").keep();
        let programs = [host::program_in_blocks(&folder, format), host::program(&folder, Some(format))];
        let [Some(blocks), Some(twins)] = programs else {
            let words = b"\n*** SKIPPED: no C++ compiler (c++, or CXX): NOTHING of a GPU's blocks was tested ***\n";
            std::io::Write::write_all(&mut std::io::stderr(), words).expect("standard error");
            return None;
        };
        Some(Self { format, hosts: [blocks, twins].map(|program| Host::start(&program, false, 1 << 16)) })
    }

    fn words(&self, words: &[u32]) -> Numbers {
        let [blocks, twins] = &self.hosts;
        Numbers { buffers: [blocks.buffer(words), twins.buffer(words)] }
    }

    fn floats(&self, numbers: &[f32]) -> Numbers {
        self.words(&numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>())
    }

    /// Numbers of the format.
    fn numbers(&self, numbers: &[f32]) -> Numbers {
        match self.format {
            Format::F32 => self.floats(numbers),
            _ => {
                let bits = |number: f32| u32::from(f16::from_f32(number).to_bits());
                self.words(&numbers.chunks(2).map(|pair| bits(pair[0]) | bits(pair[1]) << 16).collect::<Vec<_>>())
            }
        }
    }

    /// Random numbers of the format, between -1 and 1.
    fn random(&self, count: usize, seed: u64) -> Numbers {
        self.numbers(&random(count, seed))
    }

    /// Does the same on both.
    fn each(&self, work: impl Fn(&Host, usize)) {
        self.hosts.iter().enumerate().for_each(|(side, host)| work(host, side));
    }

    /// Holds what the blocks left in a buffer to what the twins did; the numbers are the format's, or float32.
    fn compare(&self, what: &str, numbers: &Numbers, is_float32: bool) {
        let read = |side: usize| -> Vec<f32> {
            let host = &self.hosts[side];
            let words = host.read(&numbers.buffers[side], host.words(&numbers.buffers[side])).expect("it lives");
            match self.format {
                Format::F16 if !is_float32 => {
                    let halves = words.iter().flat_map(|&word| [word as u16, (word >> 16) as u16]);
                    halves.map(|bits| f16::from_bits(bits).to_f32()).collect()
                }
                _ => words.into_iter().map(f32::from_bits).collect(),
            }
        };
        let (found, expected) = (read(0), read(1));
        let square = |sum: f64, number: f64| sum + number * number;
        let size = expected.iter().map(|&number| f64::from(number)).fold(0.0, square).sqrt();
        let pairs = found.iter().zip(&expected);
        let away = pairs.map(|(&found, &expected)| f64::from(found) - f64::from(expected)).fold(0.0, square).sqrt();
        let most = if self.format == Format::F32 { 1e-5 } else { 1e-3 };
        assert!(size > 0.0 && away <= most * size, "{what} in {}: {away} of {size}", self.format.name());
    }
}

fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Images of odd sides, channels that no slice divides, more rows than a tile and fewer columns.
fn convolution_in(both: &Both, tile: Tile, parts: usize, kernel: usize, stride: usize) {
    let (images, height, width, in_channels, out_channels) = (2, 11usize, 9usize, 80, 48);
    let places = WeightPlaces::new(both.format, in_channels, kernel);
    let mut weights = vec![0.0; places.numbers(out_channels)];
    let values = random(out_channels * in_channels * kernel * kernel, 3);
    for (at, value) in values.into_iter().enumerate() {
        let (tap, channel) = (at % (kernel * kernel), at / (kernel * kernel) % in_channels);
        weights[places.place(at / (kernel * kernel) / in_channels, tap, channel)] = value / 8.0;
    }
    let pixels = images * height.div_ceil(stride) * width.div_ceil(stride);
    let (input, residual) = (both.random(images * height * width * 96, 1), both.random(pixels * 64, 2));
    let (weights, bias) = (both.numbers(&weights), both.floats(&random(out_channels, 4)));
    let output = both.numbers(&vec![0.0; pixels * 80]);
    let [part_words, tiles] = ConvolutionScratch::<Buffer>::words_in((tile, parts), pixels, out_channels);
    both.each(|host, side| {
        let scratch = ConvolutionScratch {
            parts: host.buffer(&vec![0; part_words.max(1)]),
            arrived: host.buffer(&vec![0; tiles.max(1)]),
        };
        let convolution = Convolution {
            filter: Filter {
                weights: &weights.buffers[side],
                bias: &bias.buffers[side],
                kernel,
                stride,
                in_channels,
                out_channels,
            },
            input: Pixels { buffer: &input.buffers[side], first: 16, pitch: 96, channels: in_channels },
            images,
            height,
            width,
            silu: true,
            output: ConvolutionOutput::Maps {
                pixels: Pixels { buffer: &output.buffers[side], first: 32, pitch: 80, channels: out_channels },
                residual: Some(Pixels { buffer: &residual.buffers[side], first: 0, pitch: 64, channels: out_channels }),
            },
        };
        convolve_in(host, both.format, &convolution, &scratch, (tile, parts)).expect("it lives");
        let arrived = host.read(&scratch.arrived, host.words(&scratch.arrived)).expect("it lives");
        assert!(arrived.iter().all(|&count| count == 0), "what has arrived is forgotten");
    });
    both.compare(&format!("{} in {parts} parts, {kernel} by {stride}", tile.name), &output, false);
}

/// One image's planes, by factors, of channels that no vector divides.
fn planes_in(both: &Both, tile: Tile) {
    let (height, width, in_channels, out_channels) = (7, 10, 32, 37);
    let (input, bias) = (both.random(height * width * 32, 6), both.floats(&random(out_channels, 7)));
    let (factors, planes) = (both.floats(&random(height * width, 8)), both.floats(&vec![0.0; 37 * height * width]));
    let places = WeightPlaces::new(both.format, in_channels, 1);
    let mut numbers = vec![0.0; places.numbers(out_channels)];
    let values = random(out_channels * in_channels, 5);
    values.iter().enumerate().for_each(|(at, &value)| numbers[places.place(at / 32, 0, at % 32)] = value);
    let weights = both.numbers(&numbers);
    both.each(|host, side| {
        let scratch = ConvolutionScratch { parts: host.buffer(&[0]), arrived: host.buffer(&[0]) };
        let filter = Filter {
            weights: &weights.buffers[side],
            bias: &bias.buffers[side],
            kernel: 1,
            stride: 1,
            in_channels,
            out_channels,
        };
        let input = Pixels { buffer: &input.buffers[side], first: 0, pitch: 32, channels: 32 };
        let output = ConvolutionOutput::Planes { planes: &planes.buffers[side], factors: Some(&factors.buffers[side]) };
        let convolution = Convolution { filter, input, images: 1, height, width, silu: false, output };
        convolve_in(host, both.format, &convolution, &scratch, (tile, 1)).expect("it lives");
    });
    both.compare(&format!("planes of {}", tile.name), &planes, true);
}

fn attention_of(both: &Both, chunks: usize, guides_by_image: bool) {
    let (images, positions, classes, heads) = (2, 70, 37, 2);
    let channels = heads * chunks * 16;
    let maps = both.random(images * positions * (channels + 16), 9);
    let guides = both.random(images * classes * channels, 10);
    let output = both.random(images * positions * channels, 11);
    let biases = both.floats(&random(heads, 12));
    both.each(|host, side| {
        let attention = Attend {
            maps: Pixels { buffer: &maps.buffers[side], first: 16, pitch: channels + 16, channels },
            output: Pixels { buffer: &output.buffers[side], first: 0, pitch: channels, channels },
            guides: Pixels { buffer: &guides.buffers[side], first: 0, pitch: channels, channels },
            guides_by_image,
            classes,
            heads,
            biases: &biases.buffers[side],
            scale: 0.25,
            images,
            positions,
        };
        attend(host, both.format, &attention).expect("it lives");
    });
    both.compare(&format!("an attention of {chunks} chunks"), &output, false);
}

fn tokens_of(both: &Both) {
    let (images, height, width, channels, texts, heads) = (2, 13, 11, 64, 5, 2);
    let map = both.random(images * height * width * 80, 13);
    let tokens = both.numbers(&vec![0.0; images * 27 * channels]);
    both.each(|host, side| {
        let pool = PoolTokens {
            map: Pixels { buffer: &map.buffers[side], first: 16, pitch: 80, channels },
            planar: Planar { images, height, width },
            tokens: &tokens.buffers[side],
            first_token: 9,
            tokens_an_image: 27,
            epsilon: 1e-5,
        };
        pool_tokens(host, both.format, &pool).expect("it lives");
    });
    both.compare("pooled tokens", &tokens, false);

    let (queries, keys) = (both.random(texts * channels, 14), both.random(images * 27 * 2 * channels, 15));
    let output = both.numbers(&vec![0.0; images * texts * channels]);
    both.each(|host, side| {
        let rows = |buffer, channels| Pixels { buffer, first: 0, pitch: channels, channels };
        let attention = AttendTokens {
            queries: rows(&queries.buffers[side], channels),
            tokens: rows(&keys.buffers[side], 2 * channels),
            output: rows(&output.buffers[side], channels),
            images,
            texts,
            count: 27,
            heads,
            scale: 0.5,
        };
        attend_tokens(host, both.format, &attention).expect("it lives");
    });
    both.compare("attention to tokens", &output, false);
}

fn lengths_of(both: &Both) {
    let (pixels, channels) = (21, 528);
    let (input, factors) = (both.random(pixels * channels, 16), both.floats(&vec![0.0; pixels]));
    both.each(|host, side| {
        let input = Pixels { buffer: &input.buffers[side], first: 0, pitch: channels, channels };
        inverse_lengths(host, both.format, pixels, input, &factors.buffers[side]).expect("it lives");
    });
    both.compare("lengths", &factors, true);
}

fn all_in(format: Format) {
    let Some(both) = Both::start(format) else { return };
    for tile in TILES {
        convolution_in(&both, tile, 1, 3, 1);
        convolution_in(&both, tile, 3, 3, 2);
        convolution_in(&both, tile, 2, 1, 1);
        planes_in(&both, tile);
    }
    for chunks in [1, 2, 4] {
        attention_of(&both, chunks, chunks == 2);
    }
    tokens_of(&both);
    lengths_of(&both);
}

#[test]
fn blocks_do_what_their_twins_do_in_float32() {
    all_in(Format::F32);
}

#[test]
fn blocks_do_what_their_twins_do_in_float16() {
    all_in(Format::F16);
}

/// A comparison that let everything pass would say nothing.
#[test]
#[should_panic(expected = "lengths in f32")]
fn another_result_is_noticed() {
    let Some(both) = Both::start(Format::F32) else { panic!("lengths in f32 cannot be compared") };
    let numbers = both.floats(&[1.0, 2.0]);
    both.hosts[0].write(&numbers.buffers[0], &[1.001f32.to_bits()]).expect("it lives");
    both.compare("lengths", &numbers, true);
}
