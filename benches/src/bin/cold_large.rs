//! First captures and first events in a large program: of 50000 functions beside its own.

memtrack_benches::wide_functions!(50000);
