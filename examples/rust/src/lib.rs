//! Programs to start from, a file each: `examples/staged.rs`, a pipeline of stages; `examples/service.rs`, a tokio service
//! whose requests have tags; `tests/scope.rs`, what a test can say of the heap.
