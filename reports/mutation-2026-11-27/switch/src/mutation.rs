//! Which mutant is on. Written into the copy by `switch`; no part of zoobench.
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

const COUNT: usize = 0;
const UNREAD: u32 = u32::MAX;
const RECORDING: u32 = u32::MAX - 1;

static ACTIVE: AtomicU32 = AtomicU32::new(UNREAD);
static REACHED: [AtomicBool; COUNT + 1] = [const { AtomicBool::new(false) }; COUNT + 1];

pub fn is(id: u32) -> bool {
    at(&[id]) == id
}

/// The one of these mutants that is on, or 0.
pub fn at(ids: &[u32]) -> u32 {
    let active = match ACTIVE.load(Relaxed) {
        UNREAD => read(),
        active => active,
    };
    if active == RECORDING {
        ids.iter().for_each(|&id| reach(id));
        return 0;
    }
    if ids.contains(&active) { active } else { 0 }
}

#[cold]
fn read() -> u32 {
    let active = match std::env::var("MUTANT") {
        Ok(id) => id.parse().unwrap(),
        Err(_) if std::env::var_os("MUTANTS_REACHED").is_some() => RECORDING,
        Err(_) => 0,
    };
    ACTIVE.store(active, Relaxed);
    active
}

fn reach(id: u32) {
    if !REACHED[id as usize].swap(true, Relaxed) {
        let path = std::env::var_os("MUTANTS_REACHED").unwrap();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{id}\n").as_bytes()).unwrap();
    }
}
