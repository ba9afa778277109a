//! First captures and first events in a large program: 50000 functions and its own.

memtrack_benches::wide_functions!(50000);
