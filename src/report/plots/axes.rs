//! A frame with two axes.

use super::scene::{Anchor, Scene, Text};
use super::style::{BLACK, DARK, GRID, LABEL, SMALL};

/// How values become positions along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Linear {
        min: f64,
        max: f64,
    },
    /// Logarithmic; values below `min` lie at it.
    Log {
        min: f64,
        max: f64,
    },
}

impl Scale {
    /// Where `value` lies between the ends: 0..=1.
    pub(super) fn share(self, value: f64) -> f64 {
        match self {
            Self::Linear { min, max } => ((value - min) / (max - min)).clamp(0.0, 1.0),
            Self::Log { min, max } => ((value.max(min) / min).ln() / (max / min).ln()).clamp(0.0, 1.0),
        }
    }

    /// Round values between the ends.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { min, max } => linear_ticks(min, max),
            Self::Log { min, max } => log_ticks(min, max),
        }
    }
}

/// A rectangle of the scene that values are drawn in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Frame {
    pub(super) fn x(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }

    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x(x), self.y(y))
    }

    /// Grid, ticks, tick labels, axis lines and axis titles.
    pub(super) fn draw(&self, scene: &mut Scene, x_title: &str, y_title: &str) {
        self.draw_x(scene, x_title);
        self.draw_y(scene, y_title);
        scene.line((self.left, self.bottom), (self.right, self.bottom), BLACK, 1.0);
    }

    /// The vertical axis and its grid alone.
    pub(super) fn draw_y(&self, scene: &mut Scene, y_title: &str) {
        for tick in self.y.ticks() {
            let y = self.y(tick);
            scene.line((self.left, y), (self.right, y), GRID, 1.0);
            let label = Text::new((self.left - 8.0, y), &tick_label(tick), SMALL);
            scene.text(label.color(DARK).anchor(Anchor::End));
        }
        scene.line((self.left, self.top), (self.left, self.bottom), BLACK, 1.0);
        let middle = (self.left - 48.0, 0.5 * (self.top + self.bottom));
        scene.text(Text::new(middle, y_title, LABEL).anchor(Anchor::Middle).upwards());
    }

    /// The horizontal axis and its grid alone.
    pub(super) fn draw_x(&self, scene: &mut Scene, x_title: &str) {
        for tick in self.x.ticks() {
            let x = self.x(tick);
            scene.line((x, self.top), (x, self.bottom), GRID, 1.0);
            let label = Text::new((x, self.bottom + 13.0), &tick_label(tick), SMALL);
            scene.text(label.color(DARK).anchor(Anchor::Middle));
        }
        let middle = (0.5 * (self.left + self.right), self.bottom + 36.0);
        scene.text(Text::new(middle, x_title, LABEL).anchor(Anchor::Middle));
    }
}

/// A round end, 10 to 100, for an axis that shows AP up to `value`.
pub(super) fn ap_axis_end(value: f64) -> f64 {
    [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0].into_iter().find(|&end| value <= end).unwrap_or(100.0)
}

/// A round end, at most 1.5 times `value`, for an axis that begins at 0; 1 where there is nothing to show.
pub(super) fn round_end(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let ends = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].map(|factor| factor * power);
    ends.into_iter().find(|&end| value <= end).unwrap_or(10.0 * power)
}

fn linear_ticks(min: f64, max: f64) -> Vec<f64> {
    let rough = (max - min) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&step| step >= 0.999 * rough);
    let step = step.unwrap_or(rough);
    let (first, last) = ((min / step).ceil() as i64, (max / step * 1.000_001).floor() as i64);
    (first..=last).map(|index| index as f64 * step).collect()
}

fn log_ticks(min: f64, max: f64) -> Vec<f64> {
    let (first, last) = (min.log10().floor() as i32, max.log10().ceil() as i32);
    let factors: &[f64] = if max / min > 200.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all = (first..=last).flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)));
    all.filter(|tick| (0.999 * min..=1.001 * max).contains(tick)).collect()
}

/// From ten thousand on in thousands or millions: a longer label would reach the axis title.
fn tick_label(value: f64) -> String {
    let (value, unit) = match value {
        _ if value < 1e4 => (value, ""),
        _ if value < 1e6 => (value / 1e3, "k"),
        _ => (value / 1e6, "M"),
    };
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string() + unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(linear_ticks(0.0, 30.0), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(linear_ticks(0.0, 100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(log_ticks(1.0, 2000.0), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(log_ticks(3.0, 80.0), [5.0, 10.0, 20.0, 50.0]);
    }

    #[test]
    fn labels_have_no_idle_zeros() {
        assert_eq!([0.0, 0.2, 1000.0].map(tick_label), ["0", "0.2", "1000"]);
        assert_eq!([10_000.0, 250_000.0, 1_000_000.0].map(tick_label), ["10k", "250k", "1M"]);
    }

    #[test]
    fn ends_are_round_and_not_far() {
        assert_eq!([0.0, 0.7, 1.0, 11.0, 43.0, 90.1].map(round_end), [1.0, 0.8, 1.0, 15.0, 50.0, 100.0]);
        assert_eq!(round_end(f64::NAN), 1.0);
    }

    #[test]
    fn values_outside_stay_on_the_frame() {
        let scale = Scale::Log { min: 1.0, max: 100.0 };
        assert_eq!([0.0, 1.0, 10.0, 1e9].map(|value| scale.share(value)), [0.0, 0.0, 0.5, 1.0]);
    }
}
