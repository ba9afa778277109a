//! The functions of WASI preview 1 that the C library does not offer. Each returns 0, or an error number.

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    /// Writes the number of arguments, and their bytes with a NUL for each.
    pub(super) fn args_sizes_get(count: *mut usize, bytes: *mut usize) -> i32;
    /// Writes a pointer to each argument, and the arguments with a NUL behind each.
    pub(super) fn args_get(arguments: *mut *mut u8, bytes: *mut u8) -> i32;
    /// Fills a buffer with random bytes.
    pub(super) fn random_get(buffer: *mut u8, length: usize) -> i32;
}
