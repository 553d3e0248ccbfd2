//! What is read from names and shapes, and what a network costs.

use zoobench::model::network::{check_parameters, Affine, Graph, Node, Op, Part, Shape};
use zoobench::model::{Architecture, Family, Size};

use super::common::shared;
use super::params::GeneratedWeights;
use super::tiny_weights;

#[test]
fn the_graph_needs_exactly_the_recorded_parameters() {
    let Some(folder) = shared("golden/model") else { return };
    for (name, family, size) in [
        ("v1-M", Family::V1, Size::M),
        ("v1-L", Family::V1, Size::L),
        ("v2-M", Family::V2, Size::M),
        ("v2-L", Family::V2, Size::L),
    ] {
        let weights = GeneratedWeights::open(&folder, name);
        let architecture = Architecture::detect(&weights).expect("generated weights are complete");
        assert_eq!(architecture, Architecture::reference(family, size));
        assert_eq!((architecture.to_string().as_str(), architecture.size()), (name, Some(size)));
        assert_eq!(check_parameters(&weights, &architecture.parameters()), Ok(()));
    }
}

#[test]
fn small_networks_are_described_by_width_and_depth() {
    for name in ["v1-tiny", "v2-tiny"] {
        let weights = tiny_weights(name);
        let architecture = Architecture::detect(&weights).expect("generated weights are complete");
        assert_eq!(architecture.to_string(), format!("{}-w0.125-d0.33", &name[..2]));
        assert_eq!(architecture.size(), None);
        assert_eq!(architecture.text.heads, 2);
        assert_eq!(architecture.enhancer.map(|enhancer| enhancer.heads), (name == "v1-tiny").then_some(4));
    }
}

/// Parameters and GMACs (backbone, neck, head at 80 classes; total at 1203) of the published networks.
///
/// The table's counter books two operations for each normalised element; we count products only.
#[test]
fn sizes_and_costs_equal_the_published_table() {
    let table = [
        (Family::V1, Size::M, 94_100_014, 30_671_918, [19.3, 15.2, 28.3], 62.9, 70.0),
        (Family::V1, Size::L, 113_025_858, 49_597_762, [42.9, 31.3, 35.4], 109.6, 117.2),
        (Family::V2, Size::M, 93_410_862, 29_982_766, [19.3, 14.7, 28.4], 62.3, 69.1),
        (Family::V2, Size::L, 112_303_938, 48_875_842, [42.9, 30.6, 35.4], 108.9, 116.2),
    ];
    for (family, size, total, image, parts, at_80, at_1203) in table {
        let architecture = Architecture::reference(family, size);
        let graph = Graph::new(&architecture);
        let trained = architecture.parameters().iter().filter(|p| p.trained).map(|p| p.elements()).sum::<usize>();
        assert_eq!((trained, graph.parameter_count()), (total, image), "{architecture}");
        let booked = |part, classes| (graph.macs(part, classes) + 2 * normalised(&graph, part)) as f64 / 1e9;
        let all = [Part::Backbone, Part::Neck, Part::Head];
        let totals = [80, 1203].map(|classes| all.into_iter().map(|part| booked(part, classes)).sum());
        let found = all.into_iter().map(|part| booked(part, 80)).chain(totals);
        for (found, published) in found.zip(parts.into_iter().chain([at_80, at_1203])) {
            assert!((found - published).abs() < 0.07, "{architecture}: {found:.3} against {published}");
        }
    }
}

/// Elements that batch normalisations after convolutions write.
fn normalised(graph: &Graph, part: Part) -> u64 {
    let norm = |node: &&Node| matches!(&node.op, Op::Conv(conv) if matches!(conv.affine, Affine::BatchNorm { .. }));
    let elements = graph.nodes.iter().filter(|node| node.part == part).filter(norm).map(|node| match node.shape {
        Shape::Map { channels, height, width } => (channels * height * width) as u64,
        Shape::Texts { .. } | Shape::Logits { .. } => 0,
    });
    elements.sum()
}

#[test]
fn nodes_come_after_what_they_read_and_have_names_of_their_own() {
    let graph = Graph::new(&Architecture::reference(Family::V1, Size::L));
    for (index, node) in graph.nodes.iter().enumerate() {
        assert!(node.inputs.iter().all(|input| input.index() < index), "{}", node.name);
        assert_eq!(graph.find(&node.name).map(|value| value.index()), Some(index), "{}", node.name);
    }
    let last = graph.last_readers();
    assert!(graph.outputs.values().all(|output| last[output.index()].is_none()));
    let unread = last.iter().filter(|last| last.is_none()).count();
    assert_eq!(unread, graph.outputs.values().count(), "every value is read or leaves the network");
}
