//! The prompts of LVIS v1, spelled from their recorded tokens: the annotations are not ours to keep.

use instant_clip_tokenizer::{Token, Tokenizer};

/// Ids of the 1203 prompts in category order, without marks.
pub fn lvis_ids() -> Vec<Vec<u32>> {
    let file = std::fs::read(super::common::fixture("network/clip/clip.json")).expect("the fixture is there");
    let record: serde_json::Value = serde_json::from_slice(&file).expect("the fixture is JSON");
    serde_json::from_value(record["lvis"]["ids"].clone()).expect("lists of ids")
}

/// The 1203 prompts.
pub fn lvis_prompts() -> Vec<String> {
    let clip = Tokenizer::new();
    let token = |id: u32| Token::from_u16(id.try_into().expect("ids are small"), &clip).expect("an id of CLIP's");
    lvis_ids().into_iter().map(|ids| clip.decode(ids.into_iter().map(token))).collect()
}
