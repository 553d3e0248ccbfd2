//! `zoobench`: parse, run, exit.

fn main() -> std::process::ExitCode {
    zoobench::cli::main(std::env::args_os())
}
