//! The `curfew` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The library has the runtime as well: whoever polls a future compiles it.
    curfew::cli::main()
}
