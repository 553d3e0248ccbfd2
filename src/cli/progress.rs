//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::{StageTime, Timing};
use crate::run::{Event, Observer};

/// Seconds between two plain progress lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows a run's events on stderr.
pub struct Progress {
    terminal: bool,
    colour: bool,
    shown: Mutex<Shown>,
}

struct Shown {
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Decides by the terminal and the environment how to show things.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            terminal,
            colour: terminal && super::colour_allowed(),
            shown: Mutex::new(Shown { bar: None, started: now, last_line: now }),
        }
    }

    fn say(&self, shown: &Shown, line: &str) {
        match &shown.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn start(&self, shown: &mut Shown, variant: &str, images: u64) {
        shown.started = Instant::now();
        shown.last_line = shown.started;
        if self.terminal {
            let bar = ProgressBar::new(images).with_style(style(self.colour)).with_message(variant.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            shown.bar = Some(bar);
        } else {
            eprintln!("{variant}: {images} images");
        }
    }

    fn advance(&self, shown: &mut Shown, done: u64, images: u64) {
        if let Some(bar) = &shown.bar {
            bar.set_position(done);
        } else if shown.last_line.elapsed() >= LINE_INTERVAL && done < images {
            shown.last_line = Instant::now();
            eprintln!("  {}", progress_line(done, images, shown.started.elapsed()));
        }
    }

    fn finish(&self, shown: &mut Shown) {
        if let Some(bar) = shown.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

fn style(colour: bool) -> ProgressStyle {
    let bar = if colour { "{bar:30.cyan}" } else { "{bar:30}" };
    let template = format!("{{msg}} {bar} {{pos}}/{{len}} images  {{per_sec}}  ETA {{eta}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `40/120 images, 3.2 images/s, ETA 25 s`.
fn progress_line(done: u64, images: u64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = (images - done.min(images)) as f64 / rate.max(1e-9);
    format!("{done}/{images} images, {rate:.1} images/s, ETA {left:.0} s")
}

/// `19.4 images/s; decode 3 %, network 97 % of the work`.
fn timing_line(timing: &Timing) -> String {
    let share = |stage: &StageTime| Some(format!("{} {:.0} %", stage.name, 100.0 * stage.share?));
    let shares: Vec<String> = timing.stages.iter().filter_map(share).collect();
    format!("{:.1} images/s; {} of the work", timing.images_per_second, shares.join(", "))
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        let mut shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::VariantStarted { variant, images } => self.start(&mut shown, variant, *images),
            Event::TextEncoded { prompts, time } => {
                self.say(&shown, &format!("{prompts} prompts encoded in {:.1} s", time.as_secs_f64()));
            }
            Event::Progress { done, images } => self.advance(&mut shown, *done, *images),
            Event::VariantDone { variant, timing, ap } => {
                self.finish(&mut shown);
                let ap = ap.map_or("no AP".to_owned(), |ap| format!("mask AP {:.3}", 100.0 * ap));
                eprintln!("{variant}: {ap}, {:.1} s", shown.started.elapsed().as_secs_f64());
                eprintln!("  {}", timing_line(timing));
            }
            Event::VariantFailed { variant, reason } => {
                self.finish(&mut shown);
                eprintln!("{variant}: failed: {reason}");
            }
            Event::Warning(text) => self.say(&shown, &format!("warning: {text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_has_rate_and_time_left() {
        assert_eq!(progress_line(40, 120, Duration::from_secs(20)), "40/120 images, 2.0 images/s, ETA 40 s");
    }

    #[test]
    fn stages_are_shown_by_their_share() {
        let stages = StageTime::of([("decode".to_owned(), 1.0), ("network".to_owned(), 3.0)]);
        let timing = Timing { images_per_second: 2.0, stages, ..Timing::default() };
        assert_eq!(timing_line(&timing), "2.0 images/s; decode 25 %, network 75 % of the work");
        let idle = StageTime::of([("decode".to_owned(), 0.0)]);
        assert_eq!(idle[0].share, None, "no time has no shares");
    }

    #[test]
    fn nothing_done_is_no_division_by_zero() {
        assert!(progress_line(0, 10, Duration::ZERO).starts_with("0/10 images, 0.0 images/s"));
    }
}
