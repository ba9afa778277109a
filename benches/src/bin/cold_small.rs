//! First captures and first events in a small program: of 2048 functions beside its own.

memtrack_benches::wide_functions!(2048);
