//! The boot matrix; see `tests/matrix`.

fn main() -> std::process::ExitCode {
    nextboot_tests::matrix::main()
}
