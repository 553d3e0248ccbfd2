//! A measurement in Markdown: a pure function of what was measured.

use super::drive::Measured;
use super::figures::figures;
use super::gpu::GpuState;
use super::machine_state::MachineState;
use super::record::{LatencyRecord, MachineRecord, Measurement, StageRecord};
use super::statistics::median;
use crate::report::{escaped, latency_captions, sanitized, speeds_markdown, threads, Align, Cell, Table};

const ABSENT: &str = "-";
const MEBIBYTE: f64 = (1u64 << 20) as f64;

/// The report of a measurement in GitHub's Markdown: a block for each latency, scenario and batch.
/// Pictures are linked at `plots/`.
pub fn latency_markdown(measured: &Measured) -> String {
    let record = &measured.record;
    let mut parts = vec![head(record)];
    for rows in kinds(&record.measurements) {
        parts.push(kind(&rows));
    }
    parts.push(comparisons(record));
    parts.push(machine(record));
    parts.push(bullets("Notes", &record.notes));
    parts.push(pictures(measured));
    parts.push(speeds_markdown(&record.published_speeds));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn line(text: &str) -> String {
    escaped(&sanitized(text))
}

fn bullets(heading: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("- {}\n", line(item))).collect();
    format!("## {heading}\n\n{items}")
}

fn head(record: &LatencyRecord) -> String {
    let LatencyRecord { zoo, verdict, length, processes, seed, zoobench_version, .. } = record;
    let reasons: String = record.reasons.iter().map(|reason| format!("- {}\n", line(reason))).collect();
    let reasons = if reasons.is_empty() { reasons } else { format!("{reasons}\n") };
    format!(
        "# Latency of the zoo {}: {}\n\n{reasons}zoobench {zoobench_version}, {} length, {processes} processes a \
         variant in random order, seed {seed}. Times are milliseconds a call. Outliers (Tukey's fences, 1.5 and 3 \
         interquartile ranges) are counted and stay in every number; the interval of the median is a block \
         bootstrap's; MAD is the median absolute deviation. Every sample stands in the file that latency.json names.\n",
        line(zoo),
        verdict.as_str(),
        length.name(),
    )
}

/// Rows of one latency, scenario, batch and threshold, in order of first appearance.
fn kinds(measurements: &[Measurement]) -> Vec<Vec<&Measurement>> {
    let mut kinds: Vec<(String, Vec<&Measurement>)> = Vec::new();
    for row in measurements {
        let key = row.summary().kind();
        match kinds.iter_mut().find(|kind| kind.0 == key) {
            Some(kind) => kind.1.push(row),
            None => kinds.push((key, vec![row])),
        }
    }
    kinds.into_iter().map(|kind| kind.1).collect()
}

fn kind(rows: &[&Measurement]) -> String {
    let summary = rows[0].summary();
    let heading = format!("## {} ({})", line(&summary.kind()), line(&summary.computed()));
    let (times, spread, stages) = (times(rows).markdown(), spread(rows).markdown(), stages(rows).markdown());
    let from_to = rows[0].latency.meaning();
    format!("{heading}\n\nFrom {from_to}.\n\n{times}\n{spread}\nMean milliseconds of each stage, and its share:\n\n{stages}")
}

fn table(names: &[&str]) -> Table {
    let aligned = |(index, name): (usize, &&str)| {
        let align = if index == 0 { Align::Left } else { Align::Right };
        ((*name).to_owned(), align)
    };
    Table::new(names.iter().enumerate().map(aligned))
}

fn push(table: &mut Table, cells: impl IntoIterator<Item = String>) {
    table.push(cells.into_iter().map(Cell::new).collect());
}

fn ms(value: f64) -> String {
    format!("{value:.3}")
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |value| format!("{value:.digits$}"))
}

fn times(rows: &[&Measurement]) -> Table {
    let mut table = table(&[
        "variant",
        "mask AP",
        "samples",
        "min",
        "p50",
        "95 % interval of p50",
        "p90",
        "p90 by early stopping",
        "p95",
        "p99",
        "max",
        "images/s",
    ]);
    for row in rows {
        let [low, high] = row.p50_ci95_ms;
        let mut cells = vec![row.variant.clone(), number(row.mask_ap.map(|ap| 100.0 * ap), 2), row.samples.to_string()];
        cells.extend([ms(row.min_ms), ms(row.p50_ms), format!("{low:.3} to {high:.3}"), ms(row.p90_ms)]);
        cells.extend([number(row.p90_early_stopping_ms, 3), ms(row.p95_ms), ms(row.p99_ms), ms(row.max_ms)]);
        cells.push(number(row.images_per_second, 2));
        push(&mut table, cells);
    }
    table
}

/// What speaks for or against the numbers.
fn spread(rows: &[&Measurement]) -> Table {
    let mut table = table(&[
        "variant",
        "MAD",
        "outliers (severe)",
        "p50 of each process",
        "MAD between processes",
        "cold start",
        "warm-up, images",
        "peak memory, MiB",
        "clock, MHz",
        "throttled readings",
        "load of others, %",
        "detections an image",
    ]);
    for row in rows {
        let processes: Vec<String> = row.process_p50_ms.iter().map(|&p50| ms(p50)).collect();
        let mut cells = vec![row.variant.clone(), ms(row.mad_ms)];
        cells.push(format!("{} ({})", row.outliers, row.outliers_severe));
        cells.extend([processes.join(" "), ms(row.between_run_mad_ms), ms(median(&row.cold_start_ms))]);
        cells.push(row.warm_up_images.to_string());
        cells.push(number(row.peak_memory_bytes.map(|bytes| bytes as f64 / MEBIBYTE), 1));
        cells.extend([number(row.clock_mhz, 0), format!("{} of {}", row.clock_throttled, row.clock_readings)]);
        cells.extend([number(row.other_load.map(|load| 100.0 * load), 1), number(row.detections_per_image, 1)]);
        push(&mut table, cells);
    }
    table
}

fn stages(rows: &[&Measurement]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for stage in rows.iter().flat_map(|row| &row.stages) {
        if !names.contains(&stage.name.as_str()) {
            names.push(&stage.name);
        }
    }
    let header: Vec<&str> = ["variant"].into_iter().chain(names.iter().copied()).chain(["sum", "mean call"]).collect();
    let mut table = table(&header);
    for row in rows {
        let sum: f64 = row.stages.iter().map(|stage| stage.mean_ms).sum();
        let share = |stage: &StageRecord| format!("{:.3} ({:.1} %)", stage.mean_ms, 100.0 * stage.mean_ms / sum);
        let stage = |name: &&str| row.stages.iter().find(|stage| stage.name == **name);
        let stages = names.iter().map(|name| stage(name).map_or_else(|| ABSENT.to_owned(), share));
        let cells = std::iter::once(row.variant.clone()).chain(stages).chain([ms(sum), ms(row.mean_ms)]);
        push(&mut table, cells);
    }
    table
}

fn comparisons(record: &LatencyRecord) -> String {
    if record.comparisons.is_empty() {
        return String::new();
    }
    let mut table =
        table(&["measurement", "outcome", "p50", "base's p50", "difference, %", "counts from, %", "confirmed"]);
    for comparison in &record.comparisons {
        let row = &record.measurements[comparison.measurement];
        let (difference, threshold) = (100.0 * comparison.difference, 100.0 * comparison.threshold);
        let mut cells = vec![row.describe(), comparison.change.as_str().to_owned(), ms(row.p50_ms)];
        cells.extend([ms(comparison.base_p50_ms), format!("{difference:+.1}"), format!("{threshold:.1}")]);
        cells.push(if comparison.confirmed { "yes" } else { "no" }.to_owned());
        push(&mut table, cells);
    }
    format!("## Comparison with the base\n\n{}", table.markdown())
}

fn machine(record: &LatencyRecord) -> String {
    let machine = &record.machine;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let base_clock = machine.base_clock_mhz.map(|mhz| format!("{mhz:.0} MHz"));
    let build = if machine.debug_build { "debug build" } else { "release build" };
    let memory = number(machine.memory_bytes.map(|bytes| bytes as f64 / MEBIBYTE), 0);
    let items = [
        format!("{}, {} logical cores, {} used, {build}", machine.cpu, machine.cores, threads(machine.threads)),
        format!("{}, kernel {}, memory {memory} MiB", machine.os, known(&machine.kernel)),
        format!("governor {}, base clock {}", known(&machine.governor), known(&base_clock)),
        format!("GPU: {}", machine.gpu),
        build_flags(machine),
        format!("time: {}", machine.clock_method),
        format!("before: {}", state(&machine.before)),
        format!("between processes: {}", between(&machine.during)),
        format!("after: {}", state(&machine.after)),
        format!("fingerprint {}", machine.fingerprint),
    ];
    bullets("Machine", &items)
}

/// Features, and what decides on reduced precision.
fn build_flags(machine: &MachineRecord) -> String {
    let known = |value: &Option<String>, absent: &str| value.clone().unwrap_or_else(|| absent.to_owned());
    let features = if machine.features.is_empty() { "none".to_owned() } else { machine.features.join(", ") };
    let (driver, cuda) = (known(&machine.driver, "none"), known(&machine.cuda, "none"));
    let (cudnn, tf32) = (known(&machine.cudnn, "none"), known(&machine.tf32_override, "not set"));
    format!("features {features}; driver {driver}, CUDA {cuda}, cuDNN {cudnn}; NVIDIA_TF32_OVERRIDE {tf32}")
}

fn state(state: &MachineState) -> String {
    let available = state.memory_available_bytes.map(|bytes| bytes as f64 / MEBIBYTE);
    let (clock, load) = (number(state.clock_mhz, 0), number(state.load_average, 2));
    let gpus: String = state.gpus.iter().map(gpu).collect();
    format!("clock {clock} MHz, load average {load}, {} MiB available{gpus}", number(available, 0))
}

/// `; GPU at 1980 MHz, 120 of 700 W, 54 °C, throttled by NONE, 0 other programs`.
fn gpu(state: &GpuState) -> String {
    let count = |value: Option<u32>| value.map_or_else(|| ABSENT.to_owned(), |value| value.to_string());
    let (clock, degrees) = (count(state.clock_mhz), count(state.temperature_celsius));
    let (drawn, allowed) = (number(state.power_watts, 0), number(state.power_limit_watts, 0));
    let throttle = state.throttle_reasons.as_deref().unwrap_or(ABSENT);
    let others = state.other_processes.map_or_else(|| ABSENT.to_owned(), |count| count.to_string());
    format!(
        "; GPU at {clock} MHz, {drawn} of {allowed} W, {degrees} °C, throttled by {throttle}, {others} other programs"
    )
}

/// Least and greatest of what was seen.
fn between(states: &[MachineState]) -> String {
    let range = |of: fn(&MachineState) -> Option<f64>, digits: usize| {
        let values = || states.iter().filter_map(of);
        let (low, high) = (values().reduce(f64::min), values().reduce(f64::max));
        format!("{} to {}", number(low, digits), number(high, digits))
    };
    let (clock, load) = (range(|state| state.clock_mhz, 0), range(|state| state.load_average, 2));
    let hottest = states.iter().flat_map(|state| &state.gpus).filter_map(|gpu| gpu.temperature_celsius).max();
    let hottest = hottest.map(|degrees| format!(", GPU {degrees} °C at most")).unwrap_or_default();
    format!("clock {clock} MHz, load average {load}{hottest} ({} looks)", states.len())
}

fn pictures(measured: &Measured) -> String {
    let captions = latency_captions(&figures(measured));
    if captions.is_empty() {
        return String::new();
    }
    let links = captions.iter().map(|(stem, what)| format!("\n![{}](plots/{stem}.svg)\n", line(what)));
    format!("## Plots\n{}", links.collect::<String>())
}
