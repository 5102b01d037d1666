//! The `tidegauge` command. Everything it does stands in [`tidegauge::cli`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidegauge::cli::run()
}
