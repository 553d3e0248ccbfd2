//! Where the channels of each value are cut, so that every part that is read or written on its own
//! starts a block.

use std::collections::BTreeSet;

use crate::model::network::{Graph, Node, Op, Shape};

/// For each node the channels of its value's parts, in order. Each part starts a block of lanes, so
/// that slices and concatenations fall on blocks whatever the number of channels. Empty for values
/// that are no maps.
pub(super) fn segments(graph: &Graph) -> Vec<Vec<usize>> {
    let mut cuts: Vec<BTreeSet<usize>> = graph.nodes.iter().map(own_cuts).collect();
    for node in &graph.nodes {
        for (input, boundaries) in cuts_in_inputs(node) {
            cuts[input].extend(boundaries);
        }
    }
    // A value and the values it is put together from are cut alike. Cuts only ever get more.
    while graph.nodes.iter().enumerate().fold(false, |changed, (index, node)| share(&mut cuts, index, node) | changed) {
    }
    cuts.iter().map(|cuts| cuts.iter().zip(cuts.iter().skip(1)).map(|(from, to)| to - from).collect()).collect()
}

/// Both ends of a map.
fn own_cuts(node: &Node) -> BTreeSet<usize> {
    match node.shape {
        Shape::Map { channels, .. } => BTreeSet::from([0, channels]),
        Shape::Texts { .. } | Shape::Logits { .. } => BTreeSet::new(),
    }
}

/// Boundaries of the groups of channels that an operation treats apart.
fn cuts_in_inputs(node: &Node) -> Vec<(usize, Vec<usize>)> {
    let even = |width: usize, count: usize| (0..=count).map(|group| group * width).collect::<Vec<_>>();
    match &node.op {
        Op::TextAttention(attention) => {
            let heads = even(attention.channels / attention.heads, attention.heads);
            node.inputs[..2].iter().map(|input| (input.index(), heads.clone())).collect()
        }
        Op::BoxDistribution { bins } => vec![(node.inputs[0].index(), even(*bins, 4))],
        _ => vec![],
    }
}

/// Shares the cuts of a node's value with those of its inputs whose channels it holds unmixed;
/// whether any was new.
fn share(cuts: &mut [BTreeSet<usize>], index: usize, node: &Node) -> bool {
    let mut changed = false;
    for (outer, inner, first) in unmixed(cuts, index, node) {
        let width = cuts[inner].last().copied().unwrap_or(0);
        let outward: Vec<usize> = cuts[inner].iter().map(|cut| cut + first).collect();
        let inward: Vec<usize> = cuts[outer].range(first..=first + width).map(|cut| cut - first).collect();
        let before = cuts[outer].len() + cuts[inner].len();
        cuts[outer].extend(outward);
        cuts[inner].extend(inward);
        changed |= cuts[outer].len() + cuts[inner].len() > before;
    }
    changed
}

/// Pairs of values, the second of which is the first one's channels from a channel on.
fn unmixed(cuts: &[BTreeSet<usize>], index: usize, node: &Node) -> Vec<(usize, usize, usize)> {
    let input = |number: usize| node.inputs[number].index();
    match &node.op {
        Op::Slice { first } => vec![(input(0), index, *first)],
        Op::Concat => {
            let mut first = 0;
            let place = |input: usize| {
                let at = first;
                first += cuts[input].last().copied().unwrap_or(0);
                (index, input, at)
            };
            node.inputs.iter().map(|input| input.index()).map(place).collect()
        }
        Op::Add => vec![(index, input(0), 0), (index, input(1), 0)],
        Op::Upsample | Op::MaxPool { .. } => vec![(index, input(0), 0)],
        Op::TextAttention(_) => vec![(index, input(1), 0)],
        Op::Image | Op::Texts | Op::Conv(_) | Op::TextEnhancer(_) => vec![],
        Op::ClassContrast(_) | Op::BoxDistribution { .. } => vec![],
    }
}
