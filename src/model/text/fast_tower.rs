//! CLIP's text transformer on this crate's kernels.
//!
//! Rows of hidden states are pixels of maps. Linear layers are 1 x 1 convolutions that add the residual;
//! every prefix of the prompts is computed once ([`Prefixes`]), and of the last layer only what the end
//! marks need. No row depends on what else is computed beside it, down to the bits.

use super::parameters::{self, ATTENTION};
use super::prefixes::Prefixes;
use crate::kernels::{
    lane_map, Attention, Convolution, ConvolutionSpec, InstructionSet, LayerNorm, Maps, MapsShape, Operands, Scratch,
    View, LANES,
};
use crate::model::architecture::TextSize;
use crate::model::network::Parameter;
use crate::model::{ModelError, Weights};

/// Prefixes that go through the transformer at once: bounds memory to tens of megabytes, not results.
const PREFIXES_AT_ONCE: usize = 2048;
/// Columns of the maps in which they lie, so that kernels find rows to share among threads and caches.
const COLUMNS: usize = 168;
/// Added to the variance.
const EPSILON: f32 = 1e-5;
/// `x * sigmoid(QUICK * x)` is the activation: SiLU of `QUICK * x`, divided by it. Both factors are part of
/// the layers around it.
const QUICK: f32 = 1.702;

/// The transformer, packed for an instruction set.
pub(super) struct FastTower {
    size: TextSize,
    set: InstructionSet,
    /// `[vocabulary][width]`.
    tokens: Vec<f32>,
    /// `[tokens][width]`.
    positions: Vec<f32>,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    projection: Convolution,
}

struct Layer {
    norm1: LayerNorm,
    query: Convolution,
    /// Keys, then values.
    key_value: Convolution,
    out: Convolution,
    norm2: LayerNorm,
    /// With the activation.
    fc1: Convolution,
    fc2: Convolution,
}

/// A linear layer's `[out][in]` weights and `[out]` biases.
struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The maps in which a batch is computed.
#[derive(Clone, Copy)]
enum Room {
    State,
    /// The state between attention and perceptron.
    Middle,
    Normal,
    Queries,
    KeysValues,
    Mixed,
    Hidden,
    /// What the end marks' prefixes have of other maps.
    Ends,
}

/// Number of rooms.
const ROOMS: usize = 8;

impl FastTower {
    pub fn load(weights: &impl Weights, size: &TextSize, set: InstructionSet) -> Result<Self, ModelError> {
        let [tokens, positions] = parameters::embeddings(size);
        let layers = (0..size.layers).map(|layer| Layer::load(weights, size, layer, set));
        let projection = parameters::projection(size);
        let projection = Linear { weight: projection.read(weights)?, bias: vec![0.0; size.projection] };
        Ok(Self {
            size: *size,
            set,
            tokens: tokens.read(weights)?,
            positions: positions.read(weights)?,
            layers: layers.collect::<Result<_, _>>()?,
            final_norm: load_norm(weights, &parameters::final_norm(size), set)?,
            projection: projection.pack(&[size.width], &[size.projection], false, set),
        })
    }

    /// One unit row for each of the sequences, which are in ascending order.
    pub fn encode(&self, sequences: &[&[u32]]) -> Vec<Vec<f32>> {
        let mut batch = Batch::new();
        let mut rows = Vec::with_capacity(sequences.len());
        while rows.len() < sequences.len() {
            let prefixes = Prefixes::of_first(&sequences[rows.len()..], PREFIXES_AT_ONCE);
            rows.extend(self.encode_batch(&prefixes, &mut batch));
        }
        rows
    }

    fn encode_batch(&self, prefixes: &Prefixes, batch: &mut Batch) -> Vec<Vec<f32>> {
        self.embed(prefixes, batch);
        let (last, others) = self.layers.split_last().expect("a text encoder has layers");
        for layer in others {
            self.layer(layer, prefixes, batch);
        }
        self.last_layer(last, prefixes, batch);
        self.pool(prefixes.ends.len(), batch)
    }

    /// Writes the sum of the tokens' and the positions' embeddings.
    fn embed(&self, prefixes: &Prefixes, batch: &mut Batch) {
        let width = self.size.width;
        let state = batch.shape(Room::State, prefixes.tokens.len(), width.div_ceil(LANES));
        for (index, &(token, position)) in prefixes.tokens.iter().enumerate() {
            let embeddings = [&self.tokens[token as usize * width..], &self.positions[position * width..]];
            for (block, first) in (0..width).step_by(LANES).enumerate() {
                let [token, position] = embeddings.map(|row| &row[first..width.min(first + LANES)]);
                let pixel = state.pixel_mut(block, index / state.shape().width, index % state.shape().width);
                pixel.fill(0.0);
                pixel.iter_mut().zip(token.iter().zip(position)).for_each(|(lane, (a, b))| *lane = a + b);
            }
        }
    }

    fn layer(&self, layer: &Layer, prefixes: &Prefixes, batch: &mut Batch) {
        let count = prefixes.tokens.len();
        batch.normalise(&layer.norm1, Room::State, Room::Normal, count);
        batch.convolve(&layer.query, Room::Normal, Room::Queries, count, None);
        batch.convolve(&layer.key_value, Room::Normal, Room::KeysValues, count, None);
        batch.attend(self.attention(), &prefixes.seen, count);
        self.rest(layer, Room::State, count, batch);
    }

    /// As [`FastTower::layer`], for the ends of the sequences alone.
    fn last_layer(&self, layer: &Layer, prefixes: &Prefixes, batch: &mut Batch) {
        let (count, ends) = (prefixes.tokens.len(), prefixes.ends.len());
        batch.normalise(&layer.norm1, Room::State, Room::Normal, count);
        batch.convolve(&layer.key_value, Room::Normal, Room::KeysValues, count, None);
        batch.take(&prefixes.ends, Room::Normal);
        batch.convolve(&layer.query, Room::Ends, Room::Queries, ends, None);
        batch.take(&prefixes.ends, Room::State);
        batch.attend(self.attention(), &prefixes.seen.only(&prefixes.ends), ends);
        self.rest(layer, Room::Ends, ends, batch);
    }

    /// What follows the attention of so many states.
    fn rest(&self, layer: &Layer, state: Room, count: usize, batch: &mut Batch) {
        batch.convolve(&layer.out, Room::Mixed, Room::Middle, count, Some(state));
        batch.normalise(&layer.norm2, Room::Middle, Room::Normal, count);
        batch.convolve(&layer.fc1, Room::Normal, Room::Hidden, count, None);
        batch.convolve(&layer.fc2, Room::Hidden, Room::State, count, Some(Room::Middle));
    }

    fn attention(&self) -> Attention {
        let TextSize { width, heads, .. } = self.size;
        Attention { set: self.set, heads, scale: ((width / heads) as f32).sqrt().recip() }
    }

    /// The states projected and brought to length 1.
    fn pool(&self, count: usize, batch: &mut Batch) -> Vec<Vec<f32>> {
        batch.normalise(&self.final_norm, Room::State, Room::Normal, count);
        batch.convolve(&self.projection, Room::Normal, Room::Queries, count, None);
        (0..count).map(|index| unit(batch.row(Room::Queries, index, self.size.projection))).collect()
    }
}

fn unit(mut row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    row.iter_mut().for_each(|value| *value /= length);
    row
}

impl Layer {
    fn load(weights: &impl Weights, size: &TextSize, layer: usize, set: InstructionSet) -> Result<Self, ModelError> {
        let TextSize { width, heads, mlp, .. } = *size;
        let norm = |path| load_norm(weights, &parameters::part(layer, path, &[width]), set);
        let linear = |path, shape: [usize; 2]| Linear::load(weights, &parameters::part(layer, path, &shape));
        let [query, key, value, out] = ATTENTION.map(|path| linear(path, [width, width]));
        // Each head starts a block.
        let by_head = |times: usize| vec![width / heads; times * heads];
        let [fc1, fc2] = [linear("mlp.fc1", [mlp, width])?, linear("mlp.fc2", [width, mlp])?];
        Ok(Self {
            norm1: norm("layer_norm1")?,
            query: query?.pack(&[width], &by_head(1), false, set),
            key_value: key?.above(value?).pack(&[width], &by_head(2), false, set),
            out: out?.pack(&by_head(1), &[width], false, set),
            norm2: norm("layer_norm2")?,
            fc1: fc1.scaled(QUICK, QUICK).pack(&[width], &[mlp], true, set),
            fc2: fc2.scaled(QUICK.recip(), 1.0).pack(&[mlp], &[width], false, set),
        })
    }
}

fn load_norm(
    weights: &impl Weights,
    [weight, bias]: &[Parameter; 2],
    set: InstructionSet,
) -> Result<LayerNorm, ModelError> {
    Ok(LayerNorm::new(set, &weight.read(weights)?, &bias.read(weights)?, EPSILON))
}

impl Linear {
    fn load(weights: &impl Weights, [weight, bias]: &[Parameter; 2]) -> Result<Self, ModelError> {
        Ok(Self { weight: weight.read(weights)?, bias: bias.read(weights)? })
    }

    /// The outputs of both, this one's first.
    fn above(mut self, other: Self) -> Self {
        self.weight.extend(other.weight);
        self.bias.extend(other.bias);
        self
    }

    fn scaled(mut self, weight: f32, bias: f32) -> Self {
        self.weight.iter_mut().for_each(|value| *value *= weight);
        self.bias.iter_mut().for_each(|value| *value *= bias);
        self
    }

    /// The parts of the inputs and of the outputs start a block each.
    fn pack(self, input: &[usize], output: &[usize], silu: bool, set: InstructionSet) -> Convolution {
        let (input, output) = (lane_map(input), lane_map(output));
        let Self { weight: weights, bias } = &self;
        Convolution::new(
            &ConvolutionSpec {
                weights,
                bias,
                kernel: 1,
                stride: 1,
                doubled: false,
                silu,
                input: &input,
                output: &output,
            },
            set,
            false,
        )
    }
}

/// The maps of a batch under way.
struct Batch {
    maps: Vec<Maps>,
    scratch: Scratch,
}

impl Batch {
    fn new() -> Self {
        let empty = MapsShape { blocks: 0, height: 0, width: 1, border: 0 };
        Self { maps: (0..ROOMS).map(|_| Maps::new(empty)).collect(), scratch: Scratch::default() }
    }

    /// Gives a room the shape for so many rows of states.
    fn shape(&mut self, room: Room, count: usize, blocks: usize) -> &mut Maps {
        let height = count.div_ceil(COLUMNS).max(1);
        let maps = &mut self.maps[room as usize];
        maps.reshape(MapsShape { blocks, height, width: count.div_ceil(height), border: 0 });
        maps
    }

    /// All of a room.
    fn view(&self, room: Room) -> View {
        View { maps: room as usize, block: 0, blocks: self.maps[room as usize].shape().blocks }
    }

    fn normalise(&mut self, norm: &LayerNorm, from: Room, to: Room, count: usize) {
        let input = self.view(from);
        self.shape(to, count, input.blocks);
        let output = self.view(to);
        norm.run(&mut self.maps, input, output, true);
    }

    fn convolve(&mut self, convolution: &Convolution, from: Room, to: Room, count: usize, residual: Option<Room>) {
        self.shape(to, count, convolution.output_blocks());
        let residual = residual.map(|room| self.view(room));
        let operands = Operands { residual, ..Operands::new(self.view(from), self.view(to)) };
        convolution.run(&mut self.maps, &mut self.scratch, operands, true);
    }

    fn attend(&mut self, attention: Attention, seen: &crate::kernels::Seen, count: usize) {
        let queries = self.view(Room::Queries);
        self.shape(Room::Mixed, count, queries.blocks);
        let (both, mixed) = (self.view(Room::KeysValues), self.view(Room::Mixed));
        let half = View { blocks: both.blocks / 2, ..both };
        attention.run(&mut self.maps, queries, [half, View { block: half.blocks, ..half }], mixed, seen, true);
    }

    /// Copies the states of some prefixes into the room of the ends.
    fn take(&mut self, prefixes: &[u32], from: Room) {
        let blocks = self.view(from).blocks;
        self.shape(Room::Ends, prefixes.len(), blocks);
        let rooms = self.maps.get_disjoint_mut([from as usize, Room::Ends as usize]);
        let [from, to] = rooms.expect("the ends are no source");
        for (index, &prefix) in prefixes.iter().enumerate() {
            let [there, here] = [(prefix as usize, from.shape().width), (index, to.shape().width)];
            for block in 0..blocks {
                let pixel = from.pixel(block, there.0 / there.1, there.0 % there.1);
                to.pixel_mut(block, here.0 / here.1, here.0 % here.1).copy_from_slice(pixel);
            }
        }
    }

    /// One row of so many values.
    fn row(&self, room: Room, index: usize, width: usize) -> Vec<f32> {
        let maps = &self.maps[room as usize];
        let columns = maps.shape().width;
        let pixels = (0..width.div_ceil(LANES)).flat_map(|block| maps.pixel(block, index / columns, index % columns));
        pixels.copied().take(width).collect()
    }
}
