//! First captures and first events in a small program: 2048 functions and its own.

memtrack_benches::wide_functions!(2048);
