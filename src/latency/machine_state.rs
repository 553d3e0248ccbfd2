//! What the machine is and does, as its kernel tells it. Where it does not tell, it is unknown.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::gpu::{survey_gpus, GpuState, OnlyGpu};
use crate::model::Device;

/// Ten readings of the clock a second.
const READING_INTERVAL: Duration = Duration::from_millis(100);
/// A reading below this share of the usual clock is one under throttling.
const THROTTLED_SHARE: f64 = 0.75;
/// Readings kept of one series: an hour's.
const MAX_READINGS: usize = 36_000;

/// Ticks of all cores together, since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticks {
    /// In which a core did something, for anyone or another guest of the host.
    busy: u64,
    all: u64,
    /// In which it did something for this process.
    own: u64,
}

impl Ticks {
    /// As of now.
    pub(super) fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?, &fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// From `/proc/stat` and `/proc/<process>/stat` (proc(5)).
    fn parse(all: &str, own: &str) -> Option<Self> {
        let line = all.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line.split_whitespace().map_while(|tick| tick.parse().ok()).take(8).collect();
        let (sum, idle) = (ticks.iter().sum::<u64>(), ticks.get(3)? + ticks.get(4)?);
        // The second field, the program's name, is in parentheses and may hold anything.
        let own = own.rsplit_once(')')?.1.split_whitespace();
        let own: Vec<u64> = own.skip(11).take(2).map_while(|tick| tick.parse().ok()).collect();
        let [user, system] = own[..] else { return None };
        Some(Self { busy: sum - idle, all: sum, own: user + system })
    }

    /// Share of the machine that others had since `earlier`; `None` where no tick passed.
    pub(super) fn other_load(self, earlier: Self) -> Option<f64> {
        let all = self.all.checked_sub(earlier.all).filter(|&all| all > 0)?;
        let busy = self.busy.saturating_sub(earlier.busy);
        let own = self.own.saturating_sub(earlier.own);
        Some(busy.saturating_sub(own) as f64 / all as f64)
    }
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineState {
    /// Clock of the fastest core in MHz.
    pub clock_mhz: Option<f64>,
    /// Runnable processes, mean of the last minute.
    pub load_average: Option<f64>,
    /// Memory that could be had, in bytes.
    pub memory_available_bytes: Option<u64>,
    /// NVIDIA GPUs; none where there is no driver.
    #[serde(default)]
    pub gpus: Vec<GpuState>,
}

impl MachineState {
    /// As of now.
    pub fn now() -> Self {
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            clock_mhz: clock_mhz(),
            load_average: load.and_then(|text| text.split_whitespace().next()?.parse().ok()),
            memory_available_bytes: memory_bytes("MemAvailable"),
            gpus: survey_gpus().gpus,
        }
    }
}

/// Clock of the fastest core: idle cores slow down on purpose.
fn clock_mhz() -> Option<f64> {
    parse_clock(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

fn parse_clock(cpuinfo: &str) -> Option<f64> {
    let clocks =
        cpuinfo.lines().filter_map(|line| line.strip_prefix("cpu MHz")?.split_once(':')?.1.trim().parse().ok());
    clocks.filter(|clock: &f64| clock.is_finite() && *clock > 0.0).reduce(f64::max)
}

/// The clock a core is sold with, where the kernel knows it.
pub(super) fn base_clock_mhz() -> Option<f64> {
    let read = |name| fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cpufreq/{name}")).ok();
    let khz = read("base_frequency").or_else(|| read("cpuinfo_max_freq"))?;
    khz.trim().parse::<f64>().ok().map(|khz| khz / 1e3)
}

/// The rule by which the kernel sets clocks.
pub(super) fn governor() -> Option<String> {
    let text = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok()?;
    Some(text.trim().to_owned())
}

/// The kernel's version.
pub(super) fn kernel() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned())
}

/// A field of `/proc/meminfo`.
pub(super) fn memory_bytes(field: &str) -> Option<u64> {
    parse_kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, field)
}

/// The most memory this process had since the last [`forget_peak`].
pub(super) fn peak_memory_bytes() -> Option<u64> {
    parse_kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// Makes [`peak_memory_bytes`] begin anew; where the kernel does not let us, it goes on.
pub(super) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn parse_kilobytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The clock during a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockReadings {
    /// Readings, ten a second; none where the clock is unknown.
    pub readings: usize,
    /// Readings below 75 % of the usual clock: set aside, and what was timed meanwhile is kept.
    pub throttled: usize,
    /// Mean in MHz.
    pub mean_mhz: Option<f64>,
}

impl ClockReadings {
    /// Against the clock a core is sold with, or else the fastest reading.
    pub(super) fn of(readings: &[f64], base_mhz: Option<f64>) -> Self {
        let usual = base_mhz.or_else(|| readings.iter().copied().reduce(f64::max)).unwrap_or_default();
        let throttled = readings.iter().filter(|&&reading| reading < THROTTLED_SHARE * usual).count();
        let mean_mhz = (!readings.is_empty()).then(|| readings.iter().sum::<f64>() / readings.len() as f64);
        Self { readings: readings.len(), throttled, mean_mhz }
    }
}

/// The clock of what computes.
enum Watched {
    Cpu,
    Gpu(Box<OnlyGpu>),
    Unknown,
}

impl Watched {
    fn of(device: Device) -> Self {
        match device {
            Device::Cpu => Self::Cpu,
            Device::Cuda(_) => OnlyGpu::find().map_or(Self::Unknown, |gpu| Self::Gpu(Box::new(gpu))),
        }
    }

    fn clock_mhz(&self) -> Option<f64> {
        match self {
            Self::Cpu => clock_mhz(),
            Self::Gpu(gpu) => gpu.clock_mhz(),
            Self::Unknown => None,
        }
    }

    fn usual_clock_mhz(&self) -> Option<f64> {
        match self {
            Self::Cpu => base_clock_mhz(),
            Self::Gpu(gpu) => gpu.usual_clock_mhz(),
            Self::Unknown => None,
        }
    }
}

/// Reads the clock in a thread of its own until it is finished.
pub(super) struct ClockWatch {
    usual_mhz: Option<f64>,
    ended: Arc<AtomicBool>,
    readings: Arc<Mutex<Vec<f64>>>,
    thread: Option<JoinHandle<()>>,
}

impl ClockWatch {
    pub(super) fn start(device: Device) -> Self {
        let watched = Watched::of(device);
        let usual_mhz = watched.usual_clock_mhz();
        let (ended, readings) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (over, seen) = (Arc::clone(&ended), Arc::clone(&readings));
        let watch = move || {
            while !over.load(Ordering::Relaxed) {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.len() < MAX_READINGS {
                    seen.extend(watched.clock_mhz());
                }
                drop(seen);
                std::thread::park_timeout(READING_INTERVAL);
            }
        };
        // Without a thread there are no readings, and the clock counts as unknown.
        let thread = std::thread::Builder::new().name("clock".to_owned()).spawn(watch).ok();
        Self { usual_mhz, ended, readings, thread }
    }

    pub(super) fn finish(self) -> ClockReadings {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            thread.thread().unpark();
            // A reader that panicked leaves the readings it has.
            let _ = thread.join();
        }
        ClockReadings::of(&self.readings.lock().unwrap_or_else(PoisonError::into_inner), self.usual_mhz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "41 (a (b) c) R 1 1 1 0 -1 0 0 0 0 0 30 10 0 0 20 0 1 0 643923 3133440 414";

    #[test]
    fn the_load_of_others_is_what_is_busy_and_not_ours() {
        let earlier = Ticks::parse("cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 2", OWN).expect("a line of ticks");
        assert_eq!(earlier, Ticks { busy: 150, all: 1000, own: 40 });
        let later = Ticks { busy: 350, all: 1400, own: 140 };
        assert_eq!(later.other_load(earlier), Some(0.25));
        assert_eq!(earlier.other_load(earlier), None);
        assert_eq!(Ticks::parse("intr 0", OWN), None);
        assert_eq!(Ticks::parse("cpu  1 2 3 4 5 6 7 8", "no parenthesis"), None);
    }

    #[test]
    fn the_fastest_core_counts() {
        assert_eq!(parse_clock("cpu MHz\t\t: 800.0\nx\ncpu MHz\t\t: 2600.5\n"), Some(2600.5));
        assert_eq!(parse_clock("model name : x"), None);
    }

    #[test]
    fn kilobytes_are_bytes() {
        assert_eq!(parse_kilobytes("VmPeak:\t 9 kB\nVmHWM:\t  12 kB\n", "VmHWM"), Some(12 << 10));
        assert_eq!(parse_kilobytes("VmHWM: many", "VmHWM"), None);
    }

    #[test]
    fn slow_readings_are_counted_against_the_usual_clock() {
        let readings = ClockReadings::of(&[2000.0, 1000.0, 1900.0, 1400.0], None);
        assert_eq!((readings.readings, readings.throttled, readings.mean_mhz), (4, 2, Some(1575.0)));
        assert_eq!(ClockReadings::of(&[2000.0, 1600.0], Some(3000.0)).throttled, 2);
        assert_eq!(ClockReadings::of(&[], None), ClockReadings::default());
    }

    #[test]
    fn a_watch_ends_at_once() {
        let readings = ClockWatch::start(Device::Cpu).finish();
        assert!(readings.readings < 10);
    }
}
