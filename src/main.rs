//! Arguments in, exit code out.

use std::alloc::System;
use std::process::ExitCode;

use luytre::sys::Wiping;

/// What a child did is not to be found in memory afterwards.
#[global_allocator]
static MEMORY: Wiping<System> = Wiping(System);

fn main() -> ExitCode {
    luytre::cli::main()
}
