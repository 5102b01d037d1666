//! A simulation of the storage engine: from one seed come writes, queries, flushes, deletions, crashes and
//! restarts, and the errors of store and disk that they meet. After each step the engine must have exactly what a
//! naive model has.
//!
//! ```text
//!             ┌───────────────── steps ─────────────────┐
//!             ▼                                         ▼
//!     Engine ─┬─ log ─▶ faulty_files                  model: maps, one for each way in which things may be
//!             └─ store ─▶ faulty_store                  ▲
//!             │                                         │
//!             └── reader (files and chunks), query ─ compare
//! ```
//!
//! Points go to two measurements in two policies; tags come and go, and fields have all types. Some requests have a field that may contradict
//! the type it has, and in a few histories there are wide tables whose rows have few of many fields: see `batches`.
//!
//! Everything runs on one thread but the log's writer and blocking work, which do one thing at a time.
//! Time is a clock that stands until a step turns it; nothing waits for real time.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `TIDEGAUGE_SIMULATION_SEEDS` | how many seeds are run; a soak takes 10,000 (`make simulate`) | 100 |
//! | `TIDEGAUGE_SIMULATION_FIRST` | the first of them | 1 |
//!
//! A failure names its seed and what happened under it; `TIDEGAUGE_SIMULATION_FIRST=… TIDEGAUGE_SIMULATION_SEEDS=1`
//! replays it.

mod batches;
mod catalog;
mod damage;
mod disk_full;
mod doubtful_write;
mod faulty_files;
mod faulty_store;
mod field_types;
mod keys;
mod model;
mod points;
mod power_loss;
mod query;
mod reader;
mod request;
mod run;
mod steps;

use crate::environment;
use run::{BLOCKING_THREADS, Simulation};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS_DEFAULT: u64 = 100;
const FIRST_DEFAULT: u64 = 1;

#[test]
fn any_history_leaves_what_the_model_has() {
    let first = environment::number("TIDEGAUGE_SIMULATION_FIRST", FIRST_DEFAULT);
    let count = environment::number("TIDEGAUGE_SIMULATION_SEEDS", SEEDS_DEFAULT);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        let run = || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count {
                    return;
                }
                run_seed(seed);
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

/// Runs one seed; says how to replay it when it fails.
fn run_seed(seed: u64) {
    let mut history = Vec::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(BLOCKING_THREADS)
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(Simulation::run(seed, &mut history));
    }));
    if let Err(panic) = outcome {
        eprintln!("what happened:");
        for (number, step) in history.iter().enumerate() {
            eprintln!("{number:3} {step}");
        }
        eprintln!(
            "the simulation fails with seed {seed}; replay it with\n  TIDEGAUGE_SIMULATION_FIRST={seed} \
             TIDEGAUGE_SIMULATION_SEEDS=1 cargo test --test it simulation::"
        );
        resume_unwind(panic);
    }
}
