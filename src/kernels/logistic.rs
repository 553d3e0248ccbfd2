//! Rows of mask probabilities, element by element.
//!
//! Each function is compiled twice, the second time for the wider registers of AVX2: the same operations
//! in the same order, none of them fused, hence the same bits on every machine.

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 in two parts, the first of which has few enough digits that multiples of it are exact.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;
/// Minimax polynomial of `(exp(s) - 1 - s) / s^2`, highest power first: the coefficients that SLEEF
/// publishes for its `expf` with an error of 1.0 ulp, the function torch calls.
const POLYNOMIAL: [f32; 6] = [1.985_276_2e-4, 1.393_043_6e-3, 8.333_361e-3, 4.166_648_5e-2, 0.166_666_67, 0.5];
/// Adding it to a small f32 rounds that to the nearest integer, ties to even, and leaves the integer
/// in the lowest bits.
const ROUNDER: f32 = 12_582_912.0;
/// Beyond this, `exp` leaves the f32 range even for half the exponent's steps.
const EXP_LIMIT: f32 = 104.0;

/// `1 / (1 + exp(-x))`, to the bit as torch computes it on x86-64. NaN gives NaN.
///
/// The order of candidates depends on the last bit of their scores, so `exp` is computed in the
/// operations of the reference's vector library rather than by the platform's (1 ulp off in a few
/// per cent of the arguments).
#[inline(always)]
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn exp(x: f32) -> f32 {
    // Saturating first keeps the powers of two below in range; `clamp` lets NaN through.
    let x = x.clamp(-EXP_LIMIT, EXP_LIMIT);
    let rounded = x * LOG2_E + ROUNDER;
    let power = rounded - ROUNDER;
    let rest = fused(power, -LN_2_LOW, fused(power, -LN_2_HIGH, x));
    let mut series = POLYNOMIAL[0];
    for &coefficient in &POLYNOMIAL[1..] {
        series = fused(series, rest, coefficient);
    }
    let mantissa = 1.0 + fused(rest * rest, series, rest);
    // In two steps: 2^power itself may be out of range where the product is not.
    let whole = (rounded.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let half = whole >> 1;
    mantissa * power_of_two(half) * power_of_two(whole - half)
}

/// `a * b + c` rounded once. The product of two f32 is exact in f64, so this differs from a fused
/// operation only where the f64 sum lies within 2^-29 of a rounding boundary, and unlike
/// `f32::mul_add` it vectorises on every x86-64.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

/// 2^power for powers of normal numbers, by setting the exponent.
#[inline(always)]
fn power_of_two(power: i32) -> f32 {
    f32::from_bits(((power + 127) << 23) as u32)
}

/// A function that is compiled for AVX2 as well, and chosen at run time.
macro_rules! compiled_twice {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*), $body:ident) => {
        $(#[$doc])*
        pub fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide($($argument: $type),*) {
                    $body($($argument),*);
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the machine has the instructions; nothing else is unsafe about it.
                    return unsafe { wide($($argument),*) };
                }
            }
            $body($($argument),*);
        }
    };
}

compiled_twice! {
    /// Adds `factor * value` to each of the sums, the product rounded before the sum.
    add_scaled(sums: &mut [f32], factor: f32, values: &[f32]), add_scaled_to_each
}

#[inline(always)]
fn add_scaled_to_each(sums: &mut [f32], factor: f32, values: &[f32]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

compiled_twice! {
    /// The [`logistic`] of each value; 0 of one that is not a number.
    logistic_row(values: &mut [f32]), logistic_of_each
}

#[inline(always)]
fn logistic_of_each(values: &mut [f32]) {
    for value in values {
        *value = logistic(*value).max(0.0);
    }
}

compiled_twice! {
    /// `weights[0] * low + weights[1] * high`, each product rounded before the sum.
    mix_rows(out: &mut [f32], low: &[f32], high: &[f32], weights: [f32; 2]), mix_each
}

#[inline(always)]
fn mix_each(out: &mut [f32], low: &[f32], high: &[f32], weights: [f32; 2]) {
    for ((out, &low), &high) in out.iter_mut().zip(low).zip(high) {
        *out = weights[0] * low + weights[1] * high;
    }
}

compiled_twice! {
    /// 1 where what [`mix_rows`] gives is above the threshold, else 0.
    mix_above(out: &mut [u8], low: &[f32], high: &[f32], weights: [f32; 2], threshold: f32), mix_each_above
}

#[inline(always)]
fn mix_each_above(out: &mut [u8], low: &[f32], high: &[f32], weights: [f32; 2], threshold: f32) {
    for ((bit, &low), &high) in out.iter_mut().zip(low).zip(high) {
        *bit = u8::from(weights[0] * low + weights[1] * high > threshold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all sizes, and none.
    fn values(seed: u32, count: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * 2.0f32.powi((state % 21) as i32 - 10)
        };
        let mut values: Vec<f32> = (0..count).map(&mut next).collect();
        values[3] = f32::NAN;
        values[4] = f32::NEG_INFINITY;
        values
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn wide_registers_give_the_same_bits() {
        let (low, high) = (values(1, 1003), values(2, 1003));
        let [mut a, mut b] = [values(3, 1003), values(3, 1003)];
        add_scaled(&mut a, 0.3, &low);
        add_scaled_to_each(&mut b, 0.3, &low);
        assert_eq!(bits(&a), bits(&b));
        logistic_row(&mut a);
        logistic_of_each(&mut b);
        assert_eq!(bits(&a), bits(&b));
        assert_eq!((a[3], a[4]), (0.0, 0.0));
        mix_rows(&mut a, &low, &high, [0.3, 0.7]);
        mix_each(&mut b, &low, &high, [0.3, 0.7]);
        assert_eq!(bits(&a), bits(&b));
        let [mut a, mut b] = [vec![7; 1003], vec![7; 1003]];
        mix_above(&mut a, &low, &high, [0.3, 0.7], 0.1);
        mix_each_above(&mut b, &low, &high, [0.3, 0.7], 0.1);
        assert_eq!(a, b);
        assert!(a.contains(&0) && a.contains(&1) && a.iter().all(|&bit| bit <= 1));
    }
}
