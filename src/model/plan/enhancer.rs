//! Texts that have seen the image; see [`network::TextEnhancer`].
//!
//! Every product is a 1 x 1 convolution over the texts. The queries depend on the texts alone and
//! are computed once for them; keys and values are those of 27 tokens an image.

use super::layout::Place;
use super::rows::{add_rows, rows_shape, whole, write_rows, LayerNorm, Linear};
use super::workspace::Room;
use crate::kernels::{InstructionSet, Maps, View, LANES};
use crate::model::network::{self, Node, Parameter};
use crate::model::{ModelError, TextEmbeddings, Weights};

/// The enhancer with its parameters and the maps it pools.
pub(super) struct Enhancer {
    set: InstructionSet,
    heads: usize,
    head_width: usize,
    maps: Vec<Place>,
    query: (LayerNorm, Linear),
    key: (LayerNorm, Linear),
    value: (LayerNorm, Linear),
    out: Linear,
}

impl Enhancer {
    /// Reads the parameters.
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        enhancer: &network::TextEnhancer,
        maps: Vec<Place>,
        set: InstructionSet,
    ) -> Result<Self, ModelError> {
        let head_width = enhancer.width / enhancer.heads;
        let parts = vec![head_width; enhancer.heads];
        let mut parameters = node.parameters().into_iter();
        let mut pair = || -> [Parameter; 2] {
            std::array::from_fn(|_| parameters.next().expect("the graph lists weight and bias of every layer"))
        };
        let mut side = |width: usize| -> Result<_, ModelError> {
            let norm = LayerNorm::load(weights, &pair(), network::TextEnhancer::EPSILON)?;
            Ok((norm, Linear::load(weights, &pair(), &[width], &parts, set)?))
        };
        let (query, key, value) = (side(enhancer.text_width)?, side(enhancer.width)?, side(enhancer.width)?);
        let out = Linear::load(weights, &pair(), &parts, &[enhancer.text_width], set)?;
        Ok(Self { set, heads: enhancer.heads, head_width, maps, query, key, value, out })
    }

    /// The queries of texts, a row a text, each head starting a block.
    pub fn queries(&self, texts: &TextEmbeddings) -> Maps {
        let (norm, linear) = &self.query;
        let mut maps = [0; 2].map(|_| Maps::new(rows_shape(1, 1)));
        write_rows(&mut maps[0], &norm.forward(texts.data()), texts.width());
        maps[1].reshape(rows_shape(texts.classes(), self.heads * self.head_blocks()));
        let [from, to] = [0, 1].map(|index| whole(&maps, index));
        linear.run(&mut maps, from, to, true);
        let [_, queries] = maps;
        queries
    }

    /// Writes the enhanced texts into their room; `first_room` is where the rooms begin.
    pub fn run(&self, maps: &mut [Maps], first_room: usize, texts: &TextEmbeddings, queries: &Maps, spread: bool) {
        let room = |room: Room| first_room + room as usize;
        let tokens = self.tokens(maps);
        let count = self.maps.len() * network::TextEnhancer::CELLS.pow(2);
        self.project(maps, &self.key, &tokens, [room(Room::Tokens), room(Room::Keys)]);
        self.project(maps, &self.value, &tokens, [room(Room::Tokens), room(Room::Values)]);
        copy_rows(queries, &mut maps[room(Room::Queries)]);
        let blocks = count.div_ceil(LANES);
        maps[room(Room::Scores)].reshape(rows_shape(texts.classes(), blocks));
        maps[room(Room::Mixed)].reshape(rows_shape(texts.classes(), self.heads * self.head_blocks()));
        maps[room(Room::Enhanced)].reshape(rows_shape(texts.classes(), texts.width().div_ceil(LANES)));
        for head in 0..self.heads {
            let view = |room: usize| View { maps: room, block: head * self.head_blocks(), blocks: self.head_blocks() };
            let scores = whole(maps, room(Room::Scores));
            let keys = self.head_rows(&maps[room(Room::Keys)], head, count);
            self.scores_of(&keys, count).run(maps, view(room(Room::Queries)), scores, spread);
            softmax(&mut maps[scores.maps], count);
            let values = self.head_rows(&maps[room(Room::Values)], head, count);
            self.mix_of(&values, count).run(maps, scores, view(room(Room::Mixed)), spread);
        }
        let [mixed, enhanced] = [Room::Mixed, Room::Enhanced].map(|name| whole(maps, room(name)));
        self.out.run(maps, mixed, enhanced, spread);
        add_rows(&mut maps[enhanced.maps], texts.data(), texts.width());
    }

    fn head_blocks(&self) -> usize {
        self.head_width.div_ceil(LANES)
    }

    /// The maxima of each map's cells, `[map][cell][channel]`.
    fn tokens(&self, maps: &[Maps]) -> Vec<f32> {
        self.maps.iter().flat_map(|place| pool(&maps[place.view.maps], place)).collect()
    }

    /// Keys or values of the tokens.
    fn project(&self, maps: &mut [Maps], (norm, linear): &(LayerNorm, Linear), tokens: &[f32], rooms: [usize; 2]) {
        write_rows(&mut maps[rooms[0]], &norm.forward(tokens), self.heads * self.head_width);
        let count = maps[rooms[0]].shape().width;
        maps[rooms[1]].reshape(rows_shape(count, self.heads * self.head_blocks()));
        let [from, to] = rooms.map(|room| whole(maps, room));
        linear.run(maps, from, to, false);
    }

    /// `[count][head width]` of one head.
    fn head_rows(&self, maps: &Maps, head: usize, count: usize) -> Vec<f32> {
        let at = |row: usize, channel: usize| {
            maps.pixel(head * self.head_blocks() + channel / LANES, 0, row)[channel % LANES]
        };
        (0..count).flat_map(|row| (0..self.head_width).map(move |channel| at(row, channel))).collect()
    }

    /// From queries to their scores by each key.
    fn scores_of(&self, keys: &[f32], count: usize) -> Linear {
        let scale = (self.head_width as f32).sqrt();
        let weights: Vec<f32> = keys.iter().map(|key| key / scale).collect();
        Linear::new(&weights, &vec![0.0; count], &[self.head_width], &[count], self.set)
    }

    /// From probabilities to the values' mean under them.
    fn mix_of(&self, values: &[f32], count: usize) -> Linear {
        let columns = (0..self.head_width).flat_map(|channel| (0..count).map(move |row| (row, channel)));
        let weights: Vec<f32> = columns.map(|(row, channel)| values[row * self.head_width + channel]).collect();
        Linear::new(&weights, &vec![0.0; self.head_width], &[count], &[self.head_width], self.set)
    }
}

fn copy_rows(from: &Maps, to: &mut Maps) {
    to.reshape(from.shape());
    (0..from.shape().blocks).for_each(|block| to.row_mut(block, 0).copy_from_slice(from.row(block, 0)));
}

/// `[cell][channel]`: the maxima of a map's cells.
fn pool(maps: &Maps, place: &Place) -> Vec<f32> {
    let shape = maps.shape();
    let cells = network::TextEnhancer::CELLS;
    let lanes = place.channels();
    let mut tokens = Vec::with_capacity(cells * cells * lanes.len());
    for (down, right) in (0..cells).flat_map(|down| (0..cells).map(move |right| (down, right))) {
        let columns = network::TextEnhancer::cell(right, shape.width);
        let mut best = vec![f32::NEG_INFINITY; (place.view.block + place.view.blocks) * LANES];
        for row in network::TextEnhancer::cell(down, shape.height) {
            for block in place.view.block..place.view.block + place.view.blocks {
                let pixels = &maps.row(block, row)[columns.start * LANES..columns.end * LANES];
                let best = &mut best[block * LANES..][..LANES];
                for pixel in pixels.chunks_exact(LANES) {
                    best.iter_mut().zip(pixel).for_each(|(best, lane)| *best = if lane > best { *lane } else { *best });
                }
            }
        }
        tokens.extend(lanes.iter().map(|&lane| best[lane]));
    }
    tokens
}

/// The softmax of each row's first `count` lanes.
fn softmax(maps: &mut Maps, count: usize) {
    let shape = maps.shape();
    let mut scores = vec![0.0f32; count];
    for row in 0..shape.width {
        for (block, part) in scores.chunks_mut(LANES).enumerate() {
            part.copy_from_slice(&maps.pixel(block, 0, row)[..part.len()]);
        }
        let most = scores.iter().fold(f32::NEG_INFINITY, |most, &score| most.max(score));
        scores.iter_mut().for_each(|score| *score = (*score - most).exp());
        let sum: f32 = scores.iter().sum();
        for (block, part) in scores.chunks(LANES).enumerate() {
            let lanes = &mut maps.pixel_mut(block, 0, row)[..part.len()];
            lanes.iter_mut().zip(part).for_each(|(lane, score)| *lane = score / sum);
        }
    }
}
