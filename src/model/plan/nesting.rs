//! Which values lie inside of others: slices in what they are cut from, parts in a concatenation.

use super::doubling::Doubling;
use crate::kernels::LANES;
use crate::model::network::{Graph, Node, Op};

/// Where each value lies in the outermost value around it.
pub(super) struct Nesting<'a> {
    graph: &'a Graph,
    segments: &'a [Vec<usize>],
    /// By node: the value around its value, and at which of its blocks; `None` for outermost ones.
    inside: Vec<Option<(usize, usize)>>,
    /// Inputs that lie elsewhere than their reader wants them, and have to be copied.
    pub apart: Vec<Apart>,
}

/// A value that lies in one place and is needed in another one too.
pub(super) struct Apart {
    /// Who needs it.
    pub reader: usize,
    /// The value.
    pub input: usize,
    /// The block of the reader's value at which it belongs.
    pub block: usize,
}

/// Blocks that parts of so many channels take.
pub(super) fn blocks(segments: &[usize]) -> usize {
    segments.iter().map(|channels| channels.div_ceil(LANES)).sum()
}

/// The nodes that read a value.
pub(in crate::model) fn readers(graph: &Graph, index: usize) -> impl Iterator<Item = usize> + '_ {
    let reads = move |node: &Node| node.inputs.iter().any(|input| input.index() == index);
    graph.nodes.iter().enumerate().filter(move |(_, node)| reads(node)).map(|(reader, _)| reader)
}

impl<'a> Nesting<'a> {
    /// Of a graph whose values are cut into `segments`; `fused` has the convolution of each sum that
    /// is computed with it, `doubling` the concatenations whose parts are read where they lie.
    pub fn new(graph: &'a Graph, segments: &'a [Vec<usize>], fused: &[Option<usize>], doubling: &Doubling) -> Self {
        let mut nesting = Self { graph, segments, inside: vec![None; graph.nodes.len()], apart: vec![] };
        let nodes = graph.nodes.iter().enumerate();
        for (index, node) in nodes.filter(|&(index, _)| doubling.has_place(index)) {
            nesting.place_inputs(index, node, fused[index]);
        }
        nesting
    }

    fn place_inputs(&mut self, index: usize, node: &Node, fused: Option<usize>) {
        match &node.op {
            Op::Slice { first } => {
                let input = node.inputs[0].index();
                self.inside[index] = Some((input, self.block_of(input, *first)));
            }
            Op::Add => fused.into_iter().for_each(|convolution| self.inside[convolution] = Some((index, 0))),
            // It is scaled in place.
            Op::TextAttention(_) => self.put(index, &[(node.inputs[1].index(), 0)]),
            Op::Concat => {
                let mut block = 0;
                let inputs = node.inputs.iter().map(|input| {
                    let at = block;
                    block += self.blocks(input.index());
                    (input.index(), at)
                });
                let inputs: Vec<_> = inputs.collect();
                self.put(index, &inputs);
            }
            _ => {}
        }
    }

    /// The outermost value around one, and the block at which it starts there.
    pub fn resolve(&self, index: usize) -> (usize, usize) {
        let (mut root, mut block) = (index, 0);
        while let Some((outer, at)) = self.inside[root] {
            (root, block) = (outer, block + at);
        }
        (root, block)
    }

    /// Blocks of a value.
    pub fn blocks(&self, index: usize) -> usize {
        blocks(&self.segments[index])
    }

    /// The block at which a channel starts one.
    fn block_of(&self, index: usize, channel: usize) -> usize {
        let mut before = 0;
        let parts = self.segments[index].iter().take_while(|&&channels| {
            before += channels;
            before <= channel
        });
        parts.map(|channels| channels.div_ceil(LANES)).sum()
    }

    /// Puts values inside of a node's, or remembers that they have to be copied.
    fn put(&mut self, reader: usize, inputs: &[(usize, usize)]) {
        for &(input, block) in inputs {
            let (root, at) = self.resolve(input);
            if (root, at) == (reader, block) {
                continue;
            }
            match block.checked_sub(at).filter(|&start| self.is_free(reader, inputs, root, start)) {
                Some(start) => self.inside[root] = Some((reader, start)),
                None => self.apart.push(Apart { reader, input, block }),
            }
        }
    }

    /// Whether all of `root` may lie at a block of a reader's value: whatever else belongs there is
    /// part of `root` too, and at the right place.
    fn is_free(&self, reader: usize, inputs: &[(usize, usize)], root: usize, start: usize) -> bool {
        let end = start + self.blocks(root);
        let overlapping = inputs.iter().filter(|(input, block)| *block < end && start < block + self.blocks(*input));
        let fits = |&(input, block): &(usize, usize)| (root, block.wrapping_sub(start)) == self.resolve(input);
        // An attention scales its projection: nobody else may want it unscaled.
        let scaled = matches!(self.graph.nodes[reader].op, Op::TextAttention(_));
        let given_up = !scaled || readers(self.graph, root).eq([reader]);
        given_up && root != reader && end <= self.blocks(reader) && overlapping.copied().all(|input| fits(&input))
    }
}
