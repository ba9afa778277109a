//! Programs to start from, one file each: `examples/staged.rs`, a pipeline of stages; `examples/service.rs`, a tokio service
//! whose requests have tags; `examples/metrics.rs`, live metrics over HTTP; `tests/scope.rs`, a test that measures the heap.
