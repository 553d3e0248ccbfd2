//! Exit codes: the whole table, shown by `zoobench --help`.

/// Everything asked for was done.
pub const DONE: u8 = 0;
/// A row was not evaluated or not reproduced, or a gate failed, on a valid measurement.
pub const FAILED: u8 = 1;
/// Bad usage or bad input; nothing was written.
pub const BAD_INPUT: u8 = 2;
/// The measurement itself is invalid.
pub const INVALID: u8 = 3;
/// Nothing was evaluated, for example since no weights are present.
pub const NOTHING_EVALUATED: u8 = 4;
/// Interrupted; what was finished stands.
pub const INTERRUPTED: u8 = 130;

/// The table as `--help` prints it.
pub const TABLE: &str = "\
Exit codes:
    0  done
    1  a row failed or is not reproduced, or a gate failed
    2  bad usage or bad input; nothing is left at --out or --json
    3  the measurement is invalid
    4  nothing was evaluated
  130  interrupted; finished variants stand";
