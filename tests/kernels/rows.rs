//! What transformers need: normalisation and attention of pixels.

use proptest::prelude::*;
use zoobench::kernels::{lane_map, Attention, InstructionSet, LayerNorm, Maps, MapsShape, Seen, View, LANES};

use super::{below, close, empty, plain, tries, values, view, Plain};

/// The channels of one pixel.
fn pixel(map: &Plain, index: usize) -> Vec<f64> {
    let pixels = map.height * map.width;
    (0..map.channels).map(|channel| f64::from(map.values[channel * pixels + index])).collect()
}

/// Pixels back as maps, `[channels][pixels]`.
fn by_channel(pixels: &[Vec<f64>]) -> Vec<f64> {
    (0..pixels[0].len()).flat_map(|channel| pixels.iter().map(move |pixel| pixel[channel])).collect()
}

fn naive_norm(pixel: &[f64], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let mean = pixel.iter().sum::<f64>() / pixel.len() as f64;
    let variance = pixel.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / pixel.len() as f64;
    let affine = weight.iter().zip(bias).map(|(weight, bias)| (f64::from(*weight), f64::from(*bias)));
    pixel
        .iter()
        .zip(affine)
        .map(|(value, (weight, bias))| (value - mean) / (variance + 1e-5).sqrt() * weight + bias)
        .collect()
}

/// Lists of up to `most` of so many pixels, one list a pixel.
fn lists(seed: u64, count: usize, pixels: usize, most: usize) -> Vec<Vec<u32>> {
    let unit = |value: f32| f64::from(value + 1.0) / 2.0;
    let index = |value: f32, below: usize| (unit(value) * below as f64) as usize % below;
    let list = |row: &[f32]| -> Vec<u32> {
        row[1..=1 + index(row[0], most)].iter().map(|&value| index(value, pixels) as u32).collect()
    };
    values(seed, count * (most + 1)).chunks_exact(most + 1).map(list).collect()
}

fn naive_attention(query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>], heads: usize, scale: f64) -> Vec<f64> {
    let width = query.len() / heads;
    let head = |head: usize| {
        let part = head * width..(head + 1) * width;
        let dots =
            keys.iter().map(|key| query[part.clone()].iter().zip(&key[part.clone()]).map(|(a, b)| a * b).sum::<f64>());
        let weights: Vec<f64> = dots.map(|dot| (dot * scale).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mixed =
            move |lane| weights.iter().zip(values).map(|(weight, value)| weight * value[lane]).sum::<f64>() / total;
        part.map(mixed).collect::<Vec<_>>()
    };
    (0..heads).flat_map(head).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: tries(64), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalised_pixels_equal_a_naive_loop(
        seed: u64, channels in 1..below(90), height in 1usize..5, width in 1..below(50), spread: bool,
    ) {
        let (lanes, map) = (lane_map(&[channels]), Plain::random(seed, channels, height, width));
        let (weight, bias) = (values(seed ^ 1, channels), values(seed ^ 2, channels));
        let normal: Vec<_> = (0..height * width).map(|index| naive_norm(&pixel(&map, index), &weight, &bias)).collect();
        for set in InstructionSet::available() {
            let norm = LayerNorm::new(set, &weight, &bias, 1e-5);
            let blocks = lanes.len() / LANES;
            let mut maps = vec![map.blocked(&lanes), empty(blocks, height, width)];
            norm.run(&mut maps, view(0, blocks), view(1, blocks), spread);
            // A pixel of one or two channels that hardly differ has a variance like epsilon, and no digits left.
            let tolerance = if channels < 3 { 1e-3 } else { 2e-5 };
            let normal = by_channel(&normal);
            let most = normal.iter().fold(1.0f64, |most, value| most.max(value.abs()));
            close(&plain(&maps[1], &lanes), &normal, tolerance * most);
            norm.run(&mut maps, view(0, blocks), view(0, blocks), spread);
            prop_assert_eq!(plain(&maps[0], &lanes), plain(&maps[1], &lanes), "in place");
        }
    }

    #[test]
    fn attention_equals_a_naive_loop(
        seed: u64, heads in 1usize..4, head_width in 1..below(40), queries in 1..below(40), keys in 1..below(40), spread: bool,
    ) {
        let lanes = lane_map(&vec![head_width; heads]);
        let random = |seed, pixels| Plain::random(seed, heads * head_width, 1, pixels);
        let (query, key, value) = (random(seed ^ 1, queries), random(seed ^ 2, keys), random(seed ^ 3, keys));
        let lists = lists(seed ^ 4, queries, keys, 9);
        let of_list = |map: &Plain, list: &[u32]| list.iter().map(|&at| pixel(map, at as usize)).collect::<Vec<_>>();
        let expected: Vec<_> = lists.iter().enumerate().map(|(index, list)| {
            naive_attention(&pixel(&query, index), &of_list(&key, list), &of_list(&value, list), heads, 0.7)
        }).collect();
        let mut seen = Seen::default();
        lists.iter().for_each(|list| seen.push(list.iter().copied()));
        for set in InstructionSet::available() {
            let blocks = lanes.len() / LANES;
            let mut maps = vec![query.blocked(&lanes), key.blocked(&lanes), value.blocked(&lanes), empty(blocks, 1, queries)];
            let attention = Attention { set, heads, scale: 0.7 };
            attention.run(&mut maps, view(0, blocks), [view(1, blocks), view(2, blocks)], view(3, blocks), &seen, spread);
            close(&plain(&maps[3], &lanes), &by_channel(&expected), 1e-5);
        }
    }
}

#[test]
fn large_dot_products_do_not_overflow() {
    let mut maps: Vec<Maps> = (0..4).map(|_| empty(1, 1, 2)).collect();
    maps[0].write_channel(0, &[100.0, 100.0]);
    maps[1].write_channel(0, &[100.0, 99.0]);
    maps[2].write_channel(0, &[3.0, 5.0]);
    let mut seen = Seen::default();
    seen.push([0, 1]);
    seen.push([1]);
    for set in InstructionSet::available() {
        let attention = Attention { set, heads: 1, scale: 1.0 };
        attention.run(&mut maps, view(0, 1), [view(1, 1), view(2, 1)], view(3, 1), &seen, false);
        assert_eq!(maps[3].read_channel(0), [3.0, 5.0], "{}", set.name());
    }
}

fn attend(output: View, seen: &Seen) {
    let bare = || Maps::new(MapsShape { blocks: 2, height: 1, width: 3, border: 0 });
    let attention = Attention { set: InstructionSet::Portable, heads: 1, scale: 1.0 };
    attention.run(&mut [bare(), bare()], view(0, 1), [view(0, 1); 2], output, seen, false);
}

#[test]
#[should_panic(expected = "does not exist")]
fn a_pixel_that_does_not_exist_cannot_be_seen() {
    let mut seen = Seen::default();
    seen.push([0, 3]);
    attend(view(1, 1), &seen);
}

#[test]
#[should_panic(expected = "overlaps")]
fn attention_into_its_own_input_is_refused() {
    attend(view(0, 1), &Seen::default());
}

#[test]
#[should_panic(expected = "more lists than pixels")]
fn a_list_without_a_pixel_is_refused() {
    let mut seen = Seen::default();
    (0..4).for_each(|_| seen.push([0]));
    attend(view(1, 1), &seen);
}

#[test]
#[should_panic(expected = "overlaps")]
fn a_norm_into_part_of_its_input_is_refused() {
    let norm = LayerNorm::new(InstructionSet::Portable, &[1.0; 32], &[0.0; 32], 1e-5);
    let second = View { maps: 0, block: 1, blocks: 2 };
    norm.run(&mut [empty(3, 1, 1)], view(0, 2), second, false);
}
