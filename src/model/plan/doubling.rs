//! Upsamplings that nobody computes, since the convolution after them can do without.

use super::nesting::readers;
use crate::kernels::Convolution;
use crate::model::network::{Conv, Graph, Op};

/// What becomes of a node before a convolution that does without an upsampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// Of an upsampling: the convolution doubles its input on the way. The value is nowhere.
    OnTheWay,
    /// Of an upsampling before a concatenation: what the convolution sums over its channels, which is the same for all
    /// four pixels of one, is computed of its input. That is what lies in its place.
    Sums,
    /// Of that concatenation: the convolution reads the other part where it lies. The value is nowhere.
    OtherPart,
}

/// Which nodes are not computed as they stand.
pub(super) struct Doubling {
    /// By node: what becomes of it, and the convolution that does without it.
    nodes: Vec<Option<(Instead, usize)>>,
}

impl Doubling {
    /// Every node of a graph is computed as it stands.
    pub fn none(graph: &Graph) -> Self {
        Self { nodes: vec![None; graph.nodes.len()] }
    }

    /// Upsamplings are left to their convolutions where that can be. `fused` has the convolution of each sum that is
    /// computed with it.
    pub fn of(graph: &Graph, fused: &[Option<usize>]) -> Self {
        let mut doubling = Self::none(graph);
        for (index, _) in graph.nodes.iter().enumerate().filter(|(_, node)| matches!(node.op, Op::Upsample)) {
            let Some(reader) = only_reader(graph, index) else { continue };
            let is_free = doubling.nodes[reader].is_none();
            let pointwise = pointwise_after(graph, reader).filter(|&index| is_free && !fused.contains(&Some(index)));
            if convolution(graph, reader).is_some_and(doubles) {
                doubling.nodes[index] = Some((Instead::OnTheWay, reader));
            } else if let Some(pointwise) = pointwise {
                doubling.nodes[index] = Some((Instead::Sums, pointwise));
                doubling.nodes[reader] = Some((Instead::OtherPart, pointwise));
            }
        }
        doubling
    }

    /// What becomes of a node.
    pub fn instead(&self, index: usize) -> Option<Instead> {
        self.nodes[index].map(|(instead, _)| instead)
    }

    /// The node that reads what `index` reads: the convolution that does without it, else itself.
    pub fn reader(&self, index: usize) -> usize {
        self.nodes[index].map_or(index, |(_, convolution)| convolution)
    }

    /// Whether a node has a place.
    pub fn has_place(&self, index: usize) -> bool {
        matches!(self.instead(index), None | Some(Instead::Sums))
    }

    /// Nodes whose place holds sums, and the convolution whose sums they are.
    pub fn sums(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(index, node)| node.filter(|node| node.0 == Instead::Sums).map(|(_, reader)| (index, reader)))
    }
}

/// The only node that reads a value which does not leave the network.
fn only_reader(graph: &Graph, index: usize) -> Option<usize> {
    let is_output = graph.outputs.values().any(|output| output.index() == index);
    let mut readers = readers(graph, index);
    readers.next().filter(|_| readers.next().is_none() && !is_output)
}

fn convolution(graph: &Graph, index: usize) -> Option<&Conv> {
    match &graph.nodes[index].op {
        Op::Conv(conv) => Some(conv),
        _ => None,
    }
}

fn doubles(conv: &Conv) -> bool {
    Convolution::doubles(conv.in_channels, conv.kernel, conv.stride)
}

/// The pointwise convolution that alone reads a concatenation of two values.
fn pointwise_after(graph: &Graph, index: usize) -> Option<usize> {
    let node = &graph.nodes[index];
    let reader = only_reader(graph, index).filter(|_| matches!(node.op, Op::Concat) && node.inputs.len() == 2)?;
    let is_pointwise = convolution(graph, reader).is_some_and(|conv| (conv.kernel, conv.stride) == (1, 1));
    (is_pointwise && node.inputs[0] != node.inputs[1]).then_some(reader)
}
