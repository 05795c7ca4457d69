//! The bench; see `tests/bench/run`.

fn main() -> std::process::ExitCode {
    nextboot_bench::main()
}
