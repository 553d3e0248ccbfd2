//! Where every map lies: in which memory, and in which of its blocks.

use super::doubling::{Doubling, Instead};
use super::nesting::{readers, Nesting};
use super::segments::segments;
use super::slots::{assign, Buffer};
use crate::kernels::{lane_map, MapsShape, View};
use crate::model::network::{Graph, Op, Shape};

/// The place of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model) struct Place {
    /// Its blocks.
    pub view: View,
    /// Channels of its parts, each of which starts a block.
    pub segments: Vec<usize>,
}

impl Place {
    /// The channel of each lane.
    pub fn lanes(&self) -> Vec<Option<usize>> {
        lane_map(&self.segments)
    }

    /// The lane of each channel, counted from the first of the maps that it lies in.
    pub fn channels(&self) -> Vec<usize> {
        let first = self.view.block * crate::kernels::LANES;
        let lanes = self.lanes();
        (0..lanes.len()).filter(|&lane| lanes[lane].is_some()).map(|lane| first + lane).collect()
    }
}

/// The places of a graph's values in a list of maps, whose memory passes from value to value.
pub(in crate::model) struct Layout {
    /// By node; `None` for what is no map.
    places: Vec<Option<Place>>,
    /// By node: the maps that begin another life there, and their sizes in it.
    pub reshapes: Vec<Vec<(usize, MapsShape)>>,
    /// By node: what is copied there first, from where to where, since it is needed in two places.
    pub copies: Vec<Vec<(View, View)>>,
    /// By node: the convolution that is computed with this sum, which is added to its result.
    pub fused: Vec<Option<usize>>,
    /// Upsamplings that are left to convolutions.
    pub(super) doubling: Doubling,
    /// Number of maps.
    pub maps: usize,
}

impl Layout {
    /// Lays a graph out.
    pub fn new(graph: &Graph) -> Self {
        Self::of(graph, sums_of_convolutions(graph), Doubling::none(graph))
    }

    /// Lays a graph out whose upsamplings are left to convolutions, where that can be.
    pub fn doubling(graph: &Graph) -> Self {
        let fused = sums_of_convolutions(graph);
        let doubling = Doubling::of(graph, &fused);
        Self::of(graph, fused, doubling)
    }

    fn of(graph: &Graph, fused: Vec<Option<usize>>, doubling: Doubling) -> Self {
        let mut segments = segments(graph);
        for (index, convolution) in doubling.sums() {
            segments[index] = segments[convolution].clone();
        }
        let nesting = Nesting::new(graph, &segments, &fused, &doubling);
        let buffers = buffers(graph, &nesting, &fused, &doubling);
        let (slots, maps) = assign(&buffers);
        let mut reshapes = vec![vec![]; graph.nodes.len()];
        let mut slot_of = vec![None; graph.nodes.len()];
        for (buffer, &slot) in buffers.iter().zip(&slots) {
            reshapes[buffer.born].push((slot, buffer.shape));
            slot_of[buffer.root] = Some(slot);
        }
        let view = |index: usize| {
            let (root, block) = nesting.resolve(index);
            slot_of[root].map(|maps| View { maps, block, blocks: nesting.blocks(index) })
        };
        let mut copies = vec![vec![]; graph.nodes.len()];
        for apart in &nesting.apart {
            if let (Some(from), Some(to)) = (view(apart.input), view(apart.reader)) {
                let to = View { block: to.block + apart.block, blocks: from.blocks, ..to };
                copies[apart.reader].push((from, to));
            }
        }
        let place = |index: usize| view(index).map(|view| Place { view, segments: segments[index].clone() });
        Self { places: (0..graph.nodes.len()).map(place).collect(), reshapes, copies, fused, doubling, maps }
    }

    /// The place of a map.
    pub fn place(&self, index: usize) -> &Place {
        self.places[index].as_ref().expect("operations on maps read and write maps")
    }
}

/// By node: the convolution that is computed with it.
fn sums_of_convolutions(graph: &Graph) -> Vec<Option<usize>> {
    (0..graph.nodes.len()).map(|index| convolution_of_sum(graph, index)).collect()
}

/// The convolution of a sum whose value nobody else reads: the other summand is its residual.
fn convolution_of_sum(graph: &Graph, index: usize) -> Option<usize> {
    let node = &graph.nodes[index];
    let is_other = |input: usize| node.inputs.iter().any(|other| other.index() != input);
    let is_output = |input: usize| graph.outputs.values().any(|output| output.index() == input);
    let only_here = |&input: &usize| {
        let conv = matches!(graph.nodes[input].op, Op::Conv(_));
        conv && is_other(input) && readers(graph, input).eq([index]) && !is_output(input)
    };
    let inputs = node.inputs.iter().map(|input| input.index());
    matches!(node.op, Op::Add).then(|| inputs.filter(only_here).max()).flatten()
}

/// The outermost maps, each with the time that any of the values inside of it lives.
fn buffers(graph: &Graph, nesting: &Nesting<'_>, fused: &[Option<usize>], doubling: &Doubling) -> Vec<Buffer> {
    // A convolution reads instead of an upsampling, and when a sum is computed that it is computed with.
    let time = |reader: usize| {
        let reader = doubling.reader(reader);
        fused.iter().position(|&convolution| convolution == Some(reader)).unwrap_or(reader)
    };
    let mut buffers: Vec<Option<Buffer>> = (0..graph.nodes.len()).map(|_| None).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        let computed = match doubling.instead(index) {
            Some(Instead::Sums) => graph.node(node.inputs[0]),
            _ => node,
        };
        let sides = sides(&node.op, computed.shape).filter(|_| doubling.has_place(index));
        let Some((height, width)) = sides else { continue };
        let (root, _) = nesting.resolve(index);
        let buffer = buffers[root].get_or_insert_with(|| {
            let shape = MapsShape { blocks: nesting.blocks(root), height, width, border: 0 };
            Buffer { root, shape, born: index, dies: index }
        });
        buffer.dies = readers(graph, index).map(time).fold(buffer.dies.max(index), usize::max);
        let reaches_over = |reader: usize| {
            let reader = doubling.reader(reader);
            matches!(&graph.nodes[reader].op, Op::Conv(conv) if conv.kernel > 1)
        };
        if readers(graph, index).any(reaches_over) {
            buffer.shape.border = 1;
        }
    }
    buffers.into_iter().flatten().collect()
}

/// Rows and columns of a value that is kept in maps. Distances leave as they are computed.
fn sides(op: &Op, shape: Shape) -> Option<(usize, usize)> {
    match (op, shape) {
        (Op::BoxDistribution { .. }, _) => None,
        (_, Shape::Map { height, width, .. }) => Some((height, width)),
        (_, Shape::Texts { .. } | Shape::Logits { .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Maps, LANES};
    use crate::model::{Architecture, Family, Size};

    fn graphs() -> impl Iterator<Item = Graph> {
        let families = [Family::V1, Family::V2].into_iter();
        families.flat_map(|family| [Size::M, Size::L].map(|size| Graph::new(&Architecture::reference(family, size))))
    }

    fn overlap(a: View, b: View) -> bool {
        a.maps == b.maps && a.block < b.block + b.blocks && b.block < a.block + a.blocks
    }

    /// Whether what a node computes would overwrite a value that is still to be read.
    fn overwrites(graph: &Graph, layout: &Layout, index: usize) -> bool {
        let time = |reader: usize| {
            let reader = layout.doubling.reader(reader);
            layout.fused.iter().position(|&conv| conv == Some(reader)).unwrap_or(reader)
        };
        let is_live = |&earlier: &usize| readers(graph, earlier).any(|reader| time(reader) >= index);
        let output = layout.place(index).view;
        let live = (0..index).filter(is_live).filter_map(|earlier| layout.places[earlier].as_ref());
        live.into_iter().any(|place| overlap(place.view, output))
    }

    fn computed<'a>(graph: &'a Graph, layout: &'a Layout) -> impl Iterator<Item = usize> + 'a {
        let computes = |op: &Op| matches!(op, Op::Conv(_) | Op::Upsample | Op::MaxPool { .. });
        (0..graph.nodes.len())
            .filter(move |&index| computes(&graph.nodes[index].op) && layout.doubling.has_place(index))
    }

    fn layouts(graph: &Graph) -> [Layout; 2] {
        [Layout::new(graph), Layout::doubling(graph)]
    }

    #[test]
    fn nothing_is_overwritten_before_it_is_read() {
        for graph in graphs() {
            for layout in layouts(&graph) {
                for index in computed(&graph, &layout) {
                    assert!(!overwrites(&graph, &layout, index), "{}", graph.nodes[index].name);
                }
            }
        }
    }

    #[test]
    fn upsamplings_are_left_to_their_convolutions() {
        for graph in graphs() {
            let left = |layout: Layout| -> Vec<_> {
                let node = |index: usize| Some((graph.nodes[index].name.clone(), layout.doubling.instead(index)?));
                (0..graph.nodes.len()).filter_map(node).collect()
            };
            let expected = [
                ("neck.upsample_layers.0", Instead::Sums),
                ("neck.top_down_layers.0.input", Instead::OtherPart),
                ("neck.upsample_layers.1", Instead::Sums),
                ("neck.top_down_layers.1.input", Instead::OtherPart),
                ("bbox_head.head_module.proto_pred.upsample", Instead::OnTheWay),
            ];
            assert_eq!(left(Layout::doubling(&graph)), expected.map(|(name, instead)| (name.to_owned(), instead)));
            assert_eq!(left(Layout::new(&graph)), []);
        }
    }

    #[test]
    fn a_layout_in_one_piece_of_memory_would_be_noticed() {
        let graph = graphs().next().expect("there are graphs");
        let mut layout = Layout::new(&graph);
        layout.places.iter_mut().flatten().for_each(|place| place.view.maps = 0);
        assert!(computed(&graph, &layout).any(|index| overwrites(&graph, &layout, index)));
    }

    #[test]
    fn slices_and_concatenations_cost_nothing_and_memory_is_used_again() {
        for graph in graphs() {
            let layout = Layout::new(&graph);
            assert!(layout.copies.iter().all(Vec::is_empty), "a value is copied");
            let mut most = vec![0; layout.maps];
            let mut all = 0;
            for &(maps, shape) in layout.reshapes.iter().flatten() {
                let values = shape.blocks * LANES * (shape.height + 2) * (shape.width + 2);
                most[maps] = most[maps].max(values);
                all += values;
            }
            assert!(2 * most.iter().sum::<usize>() < all, "{} of {all} values", most.iter().sum::<usize>());
            assert!(layout.maps > 1 && Maps::new(layout.reshapes[0][0].1).shape().blocks == 1);
        }
    }
}
