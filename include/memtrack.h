/*
 * memtrack: a heap profiler that is a library. The C interface.
 *
 * Written from the Rust sources by `cargo xtask header`: change it there. The guide is docs/c.md.
 *
 * Every function returns memtrack_result_t, which is 0 (MEMTRACK_OK) for success, or a value whose "none" its description
 * names. No function panics, aborts or throws. NULL and misuse return a code, which memtrack_strerror turns into a
 * sentence. No function allocates memory for itself. Names are UTF-8 strings that end in NUL; they are copied. Structs that
 * both sides see begin with `size`, which the caller sets, so that programs and libraries of different versions work
 * together.
 *
 * Any thread may call any function at any time. Interrupts and signal handlers may only call the functions that say so, and
 * the memtrack_malloc family if the allocator below it allows this. The caller owns blocks and tokens until it gives them
 * back. It must not free anything else that a function returns.
 */

#ifndef MEMTRACK_H
#define MEMTRACK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of a memtrack_context_t.
 */
#define MEMTRACK_CONTEXT_SIZE (MEMTRACK_CONTEXT_WORDS * sizeof(size_t))

/**
 * Words of a context. The header defines `MEMTRACK_CONTEXT_SIZE`, the bytes that they take, as well.
 */
#define MEMTRACK_CONTEXT_WORDS 16

/**
 * Success.
 */
#define MEMTRACK_OK 0

/**
 * An argument that must not be NULL is NULL.
 */
#define MEMTRACK_ERROR_NULL 1

/**
 * The `size` of a struct is not that of any version: set it to `sizeof` the struct before the call.
 */
#define MEMTRACK_ERROR_SIZE 2

/**
 * There is no room for another nested stage, tag or heap. Nothing was begun.
 */
#define MEMTRACK_ERROR_FULL 3

/**
 * There is no stage or tag to end.
 */
#define MEMTRACK_ERROR_NONE 4

/**
 * The token or heap was never handed out.
 */
#define MEMTRACK_ERROR_INVALID 5

/**
 * The sink of a dump refused the bytes. The bytes that it took before are readable.
 */
#define MEMTRACK_ERROR_SINK 6

/**
 * A file could not be written; `errno` says why, on Windows `GetLastError`.
 */
#define MEMTRACK_ERROR_FILE 7

/**
 * Another dump is being written, and continues.
 */
#define MEMTRACK_ERROR_BUSY 8

/**
 * The allocator or the platform is in use already: set both before the first block is allocated.
 */
#define MEMTRACK_ERROR_TOO_LATE 9

/**
 * This target does not have the feature: no files on bare metal, no stack to set on a host.
 */
#define MEMTRACK_ERROR_UNSUPPORTED 10

/**
 * The tracker does not work: another tracker in this process has its tables, or there was no memory for them.
 */
#define MEMTRACK_ERROR_TRACKER 11

/**
 * The bounds of a stack are not those of a stack: the lowest address is not below the end.
 */
#define MEMTRACK_ERROR_BOUNDS 12

/**
 * The major number of the header's version.
 */
#define MEMTRACK_VERSION_MAJOR 0

/**
 * The minor number of the header's version.
 */
#define MEMTRACK_VERSION_MINOR 1

/**
 * The patch number of the header's version.
 */
#define MEMTRACK_VERSION_PATCH 0

/**
 * No block: the functions below return it if they counted nothing. Giving it back does nothing.
 */
#define MEMTRACK_TOKEN_NONE 0

/**
 * The heap without a name: its blocks show beside those of `malloc`.
 */
#define MEMTRACK_HEAP_DEFAULT 0

/**
 * The result of a function: `MEMTRACK_OK` or one of the `MEMTRACK_ERROR_…` codes.
 */
typedef int32_t memtrack_result_t;

/**
 * An allocator of the program: three functions and their context. Every caller that allocates calls them, also from
 * interrupts that allocate; memtrack takes no lock around them, unless a `memtrack_platform_t` has one.
 *
 * Set `size` to `sizeof(memtrack_allocator_t)`: later versions append members.
 */
typedef struct memtrack_allocator_t {
  /**
   * `sizeof(memtrack_allocator_t)`, set by the caller.
   */
  size_t size;
  /**
   * Passed to the functions.
   */
  void *context;
  /**
   * Returns a block of `size` bytes at a multiple of `align`, a power of two, or NULL if there is no memory. Must not
   * be NULL.
   */
  void *(*allocate)(void *context, size_t size, size_t align);
  /**
   * Frees a block. Must not be NULL.
   */
  void (*release)(void *context, void *block);
  /**
   * Resizes a block, and may move it and copy its bytes. The result is aligned for every type of C. Returns NULL if
   * that failed and the block is unchanged. May be NULL: then memtrack allocates a new block and copies the bytes.
   */
  void *(*resize)(void *context, void *block, size_t size);
} memtrack_allocator_t;

/**
 * A clock: nanoseconds since some start. It never goes back.
 */
typedef uint64_t (*memtrack_clock_fn)(void);

/**
 * What memtrack keeps of a task, or of whatever else runs at the same time as other code: a core, for example. Keep it in
 * the task's control block or in a static. Only memtrack reads and writes it.
 */
typedef struct memtrack_context_t {
  /**
   * Not for you.
   */
  size_t opaque[MEMTRACK_CONTEXT_WORDS];
} memtrack_context_t;

/**
 * Takes the next `size` bytes of a dump, a report or metrics. Returns 0 if it took all of them; any other value ends the
 * writing. It must return (no `longjmp`, no C++ exception), and must not write a dump itself.
 */
typedef int (*memtrack_write_fn)(void *context, const uint8_t *data, size_t size);

/**
 * What a kernel tells the tracker: which task runs, and how to keep others away.
 *
 * Set `size` to `sizeof(memtrack_platform_t)`: later versions append members.
 */
typedef struct memtrack_platform_t {
  /**
   * `sizeof(memtrack_platform_t)`, set by the caller.
   */
  size_t size;
  /**
   * Passed to the functions.
   */
  void *context;
  /**
   * Returns the context of the running task, which `memtrack_context_create` has made. An interrupt belongs to the task
   * that it interrupts. NULL while no task runs: before the kernel starts, such an event belongs to `main`. It is called
   * at every event, in interrupts too; it must neither allocate nor wait. May be NULL: then everything is `main`.
   */
  struct memtrack_context_t *(*current)(void *context);
  /**
   * Keeps all other code that allocates from running, until `unlock` gets the result: the scheduler suspended, or
   * interrupts turned off. Calls nest. memtrack calls it around every allocation and free of the `memtrack_malloc`
   * family. May be NULL, with `unlock`: the tracker itself needs no lock. It is for an allocator that tasks must not
   * enter at the same time, and for kernels in which a task deletes others at any moment.
   */
  size_t (*lock)(void *context);
  /**
   * Ends `lock`.
   */
  void (*unlock)(void *context, size_t locked);
} memtrack_platform_t;

/**
 * The figures of the program, or of one thread. Bytes are the sizes that the program requested.
 *
 * Later versions append members. Set `size` to `sizeof(memtrack_stats_t)` before each call. A library that knows fewer
 * members sets the others to 0; a library that knows more leaves its additional members out.
 */
typedef struct memtrack_stats_t {
  /**
   * `sizeof(memtrack_stats_t)`, set by the caller.
   */
  size_t size;
  /**
   * Bytes alive.
   */
  uint64_t live_bytes;
  /**
   * Blocks alive.
   */
  uint64_t live_blocks;
  /**
   * Highest live bytes since the last reset.
   */
  uint64_t peak_bytes;
  /**
   * Blocks that were alive at that moment.
   */
  uint64_t peak_blocks;
  /**
   * Bytes of all allocations so far, reallocations included.
   */
  uint64_t total_bytes;
  /**
   * Allocations so far, reallocations included.
   */
  uint64_t total_allocs;
  /**
   * Frees so far, reallocations included.
   */
  uint64_t total_frees;
  /**
   * Reallocations so far.
   */
  uint64_t reallocs;
  /**
   * Blocks that their thread freed as its very next heap event.
   */
  uint64_t temporary;
  /**
   * Allocations and reallocations that failed; 0 for a thread.
   */
  uint64_t failed_allocs;
  /**
   * Events that could not be attributed in full; 0 for a thread.
   */
  uint64_t lost_events;
} memtrack_stats_t;

/**
 * A named heap.
 */
typedef uint32_t memtrack_heap_t;

/**
 * Identifies a block that was reported. Store it with the block, and give it back once.
 */
typedef uint64_t memtrack_token_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes the `memtrack_malloc` family (and `__wrap_malloc` …) take its blocks from `allocator`, which is copied. On bare
 * metal nothing can be allocated before this call. On hosts blocks come from the C library unless this call comes first.
 * Call it once, before the first block is allocated and before interrupts or threads allocate.
 *
 * `MEMTRACK_ERROR_NULL` if `allocator` or a required function is NULL, `MEMTRACK_ERROR_SIZE` if its `size` was not set,
 * `MEMTRACK_ERROR_TOO_LATE` if blocks were allocated already.
 *
 * Safety:
 * `allocator` must be NULL or point to as many bytes as its `size` says; its functions must behave as the struct
 * describes.
 */
memtrack_result_t memtrack_set_allocator(const struct memtrack_allocator_t *allocator);

/**
 * Bare metal: sets the bounds of the stack: its lowest address, and the address past its highest. All of the stack must
 * be readable. Without this call no stacks are captured. Call it first thing in `main`.
 *
 * `MEMTRACK_ERROR_NULL` if `low` is not below `high`, `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
 *
 * Safety:
 * The memory from `low` to `high` must be readable for ever.
 */
memtrack_result_t memtrack_set_stack(const void *low, const void *high);

/**
 * Bare metal: sets the clock. memtrack reads it inside heap events when live memory falls from a peak, and at stages. So
 * it must return quickly and must not allocate. Without a clock all times are 0.
 *
 * `MEMTRACK_ERROR_NULL` if `clock` is NULL, `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
 *
 * Safety:
 * `clock` must be NULL or a function that may be called at any time.
 */
memtrack_result_t memtrack_set_clock(memtrack_clock_fn clock);

/**
 * Bare metal: identifies the program, so that `memtrack-fold` can check that an ELF file belongs to the dump. Pass the
 * first address of the program's code, the address past its code, and its build id (the bytes that `-Wl,--build-id` writes,
 * without the 16 bytes of the note's head). `build_id` may be NULL if `size` is 0. Only the first call has an effect.
 *
 * `MEMTRACK_ERROR_NULL` if `code` is not below `code_end` or the build id is missing, `MEMTRACK_ERROR_UNSUPPORTED` on
 * hosts.
 *
 * Safety:
 * `build_id` must be NULL or point to `size` bytes that never change.
 */
memtrack_result_t memtrack_set_firmware(const void *code,
                                        const void *code_end,
                                        const void *build_id,
                                        size_t size);

/**
 * Bare metal: a task is made. Call this before the task runs. The tracker counts the task's events under `name`, of which
 * the first 16 bytes are copied, and walks its stack from `stack_low`, the lowest address, to `stack_high`, the address
 * past the highest. All of it must be readable while the task lives. If an event comes with another stack pointer, it is
 * counted without a stack, as a loss. Both may be NULL: then no stacks are captured. A context that was not deleted is
 * deleted first. Allocates nothing. Safe in interrupts.
 *
 * `MEMTRACK_ERROR_NULL` if `context` or `name` is NULL, `MEMTRACK_ERROR_BOUNDS` if `stack_low` is not below `stack_high`:
 * then the context was made, and no stacks are captured. `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
 *
 * Safety:
 * `context` must be NULL or the caller's to write until it is deleted, at a multiple of the size of a pointer; `name` must
 * be NULL or a string.
 */
memtrack_result_t memtrack_context_create(struct memtrack_context_t *context,
                                          const char *name,
                                          const void *stack_low,
                                          const void *stack_high);

/**
 * Bare metal: a task has ended, or will never run again. Its figures and its blocks stay, and a later task of its name may
 * continue its figures. If the task does have another event, the event is counted as a loss. Allocates nothing.
 *
 * `MEMTRACK_ERROR_NULL` if `context` is NULL, `MEMTRACK_ERROR_NONE` if it was never made, or is deleted already.
 * `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
 *
 * Safety:
 * `context` must be NULL or point to a context, whose memory may be used for something else afterwards.
 */
memtrack_result_t memtrack_context_delete(struct memtrack_context_t *context);

/**
 * Writes a snapshot of the whole program to `write`, in pieces of a few hundred bytes to a few kilobytes; `memtrack-fold`
 * reads it. `context` is passed to `write`. Allocates nothing. Thread-safe; other threads go on. Not for interrupts.
 *
 * `MEMTRACK_ERROR_NULL` if `write` is NULL, `MEMTRACK_ERROR_SINK` if it refused the bytes.
 *
 * Safety:
 * `write` must be NULL or a function that may be called with `context`.
 */
memtrack_result_t memtrack_dump(memtrack_write_fn write,
                                void *context);

/**
 * Writes the report to `write`, as UTF-8 text for people: losses, totals, stages and threads by peak; on hosts also live
 * bytes over time and allocations by size. Allocates nothing. Thread-safe.
 *
 * `MEMTRACK_ERROR_NULL` if `write` is NULL, `MEMTRACK_ERROR_SINK` if it refused the bytes.
 *
 * Safety:
 * `write` must be NULL or a function that may be called with `context`.
 */
memtrack_result_t memtrack_report(memtrack_write_fn write,
                                  void *context);

/**
 * Writes the figures to `write` in the text format of Prometheus (version 0.0.4): live, peak, allocations, bytes and
 * failures of the program; figures by thread and by stage; losses by cause. Allocates nothing. Thread-safe.
 *
 * `MEMTRACK_ERROR_NULL` if `write` is NULL, `MEMTRACK_ERROR_SINK` if it refused the bytes.
 *
 * Safety:
 * `write` must be NULL or a function that may be called with `context`.
 */
memtrack_result_t memtrack_metrics(memtrack_write_fn write, void *context);

/**
 * Writes a snapshot of the whole program to a file, and replaces the file's contents. Allocates nothing. Thread-safe.
 *
 * `MEMTRACK_ERROR_NULL` if `path` is NULL, `MEMTRACK_ERROR_FILE` (and `errno`) if the file could not be written,
 * `MEMTRACK_ERROR_UNSUPPORTED` on bare metal. On Windows the path is UTF-8, and `GetLastError` has the error number.
 *
 * Safety:
 * `path` must be NULL or a string.
 */
memtrack_result_t memtrack_dump_file(const char *path);

/**
 * From now on each stage that ends appends its own snapshot to a file: the live blocks of every stack at the stage's peak.
 * The call replaces the file's contents. The environment variable `MEMTRACK_DUMP=path` implies it. Thread-safe.
 *
 * The errors are those of `memtrack_dump_file`.
 *
 * Safety:
 * `path` must be NULL or a string.
 */
memtrack_result_t memtrack_dump_stages_to(const char *path);

/**
 * Allocates `size` bytes, aligned for every type. The caller owns the block until `memtrack_free` or
 * `memtrack_realloc`. Returns NULL if there is no memory, and sets `errno` on targets that have it. A size of 0 behaves
 * as in the C library. Thread-safe if the allocator below it is.
 *
 * On Linux the block may also be passed to `free`, but then it counts as alive for ever.
 */
void *memtrack_malloc(size_t size);

/**
 * Allocates `count` times `size` bytes that are zero. Otherwise like `memtrack_malloc`; it also returns NULL if the
 * product is too large.
 */
void *memtrack_calloc(size_t count, size_t size);

/**
 * Resizes a block to `size` bytes, and may move it. The bytes within both sizes stay the same. Returns NULL if there is no
 * memory: then the block is unchanged. If `block` is NULL, it allocates. A `size` of 0 behaves as in the C library.
 * Thread-safe like `memtrack_malloc`.
 *
 * Safety:
 * `block` must be NULL, a live block of this family or, on Linux, of the C library.
 */
void *memtrack_realloc(void *block,
                       size_t size);

/**
 * Allocates `size` bytes at a multiple of `align`, a power of two; `size` need not be a multiple of it. Returns NULL if
 * there is no memory. Free the block with `memtrack_free`. Thread-safe like `memtrack_malloc`.
 */
void *memtrack_aligned_alloc(size_t align, size_t size);

/**
 * Frees a block. NULL does nothing. `errno` is unchanged. Thread-safe like `memtrack_malloc`.
 *
 * Safety:
 * `block` must be NULL, a live block of this family or, on Linux, of the C library; it must not be used afterwards.
 */
void memtrack_free(void *block);

/**
 * Bare metal: sets the platform, which is copied. Call it once in `main`, before the first block is allocated and before the
 * kernel starts: the tracker begins in this call, while nothing else runs.
 *
 * `MEMTRACK_ERROR_NULL` if `platform` is NULL, or if one of `lock` and `unlock` is. `MEMTRACK_ERROR_SIZE` if its `size` was
 * not set, `MEMTRACK_ERROR_TOO_LATE` if blocks were allocated already or a platform is set, `MEMTRACK_ERROR_UNSUPPORTED`
 * on hosts.
 *
 * Safety:
 * `platform` must be NULL or point to as many bytes as its `size` says; its functions must behave as the struct describes.
 */
memtrack_result_t memtrack_set_platform(const struct memtrack_platform_t *platform);

/**
 * The version of the loaded library as text: "0.1.0". It may differ from the header's version
 * (`MEMTRACK_VERSION_MAJOR` …). Never NULL; valid for ever. Thread- and interrupt-safe.
 */
const char *memtrack_version(void);

/**
 * The version of the loaded library as a number: major · 10⁶ + minor · 10³ + patch, so that later versions are larger.
 * Thread- and interrupt-safe.
 */
uint32_t memtrack_version_number(void);

/**
 * A sentence in English that explains a result code and says what to do. Never NULL, for any code; valid for ever.
 * Thread- and interrupt-safe.
 */
const char *memtrack_strerror(memtrack_result_t code);

/**
 * Begins a stage of the whole process: a named span with peaks of its own. Stages nest. Runs of one name are counted
 * together. The name is copied (up to 47 bytes of it). Thread-safe.
 *
 * `MEMTRACK_ERROR_FULL` if stages are nested too deep (16): then do not end it.
 *
 * Safety:
 * `name` must be NULL or a string.
 */
memtrack_result_t memtrack_stage_begin(const char *name);

/**
 * Ends the stage that began last and still runs. Thread-safe.
 *
 * `MEMTRACK_ERROR_NONE` if no stage runs.
 */
memtrack_result_t memtrack_stage_end(void);

/**
 * Pushes a tag on the calling thread. Until the tag ends, the thread's events show under its name at the root of the flame
 * graph. Tags nest. The name is copied (up to 47 bytes of it). Thread-safe.
 *
 * `MEMTRACK_ERROR_FULL` if there are too many names of tags: then do not end it.
 *
 * Safety:
 * `name` must be NULL or a string.
 */
memtrack_result_t memtrack_tag_begin(const char *name);

/**
 * Pops the calling thread's innermost tag. Thread-safe.
 *
 * `MEMTRACK_ERROR_NONE` if the thread has no tag.
 */
memtrack_result_t memtrack_tag_end(void);

/**
 * Fills in the figures of the program. They are exact if no other thread is in the middle of an allocation. Thread-safe;
 * safe in interrupts and signal handlers.
 *
 * `MEMTRACK_ERROR_NULL` if `stats` is NULL, `MEMTRACK_ERROR_SIZE` if its `size` was not set.
 *
 * Safety:
 * `stats` must be NULL or point to at least `stats->size` bytes that may be written.
 */
memtrack_result_t memtrack_get_stats(struct memtrack_stats_t *stats);

/**
 * Fills in the figures of the calling thread. They describe the blocks that it allocated, whichever thread frees them.
 * Thread-safe. In a signal handler that interrupted an allocation all figures are 0.
 *
 * `MEMTRACK_ERROR_NULL` if `stats` is NULL, `MEMTRACK_ERROR_SIZE` if its `size` was not set.
 *
 * Safety:
 * `stats` must be NULL or point to at least `stats->size` bytes that may be written.
 */
memtrack_result_t memtrack_get_thread_stats(struct memtrack_stats_t *stats);

/**
 * Sets the peaks of the program and of every thread to their live bytes at this moment. Thread-safe.
 */
memtrack_result_t memtrack_reset_peak(void);

/**
 * Sets the calling thread's peak to its live bytes at this moment. Thread-safe.
 */
memtrack_result_t memtrack_reset_thread_peak(void);

/**
 * Pauses tracking: from now on events are counted as lost, without thread and stack. Live bytes and peak stay exact.
 * Thread-safe; safe in interrupts.
 */
memtrack_result_t memtrack_pause(void);

/**
 * Ends `memtrack_pause`. Thread-safe; safe in interrupts.
 */
memtrack_result_t memtrack_resume(void);

/**
 * The heap called `name`, which is made if it is new. Its blocks show under that name at the root of the flame graph. The
 * name is copied (up to 47 bytes of it). `MEMTRACK_HEAP_DEFAULT` if `name` is NULL or there is no room for another heap (32
 * on hosts, 4 on bare metal). Thread-safe. The call searches all names, so call it once and store the heap.
 *
 * Safety:
 * `name` must be NULL or a string.
 */
memtrack_heap_t memtrack_heap(const char *name);

/**
 * Reports that a block of `size` bytes was handed out at `ptr` (an address, or any handle that is not NULL), by the
 * calling thread and stack, in `MEMTRACK_HEAP_DEFAULT`. `MEMTRACK_TOKEN_NONE` if `ptr` is NULL: then nothing was handed
 * out. Thread-safe; safe in interrupts.
 */
memtrack_token_t memtrack_on_alloc(const void *ptr, size_t size);

/**
 * Like `memtrack_on_alloc`, in a heap of `memtrack_heap`. `MEMTRACK_TOKEN_NONE` if there is no such heap.
 * Thread-safe; safe in interrupts.
 */
memtrack_token_t memtrack_heap_on_alloc(memtrack_heap_t heap, const void *ptr, size_t size);

/**
 * Reports that a block was resized, and perhaps moved to `ptr`. This is one event. Afterwards the block belongs to the
 * calling thread and stack, in the same heap as before. Returns the new token; the old one must not be used again. If
 * `ptr` is NULL, the resizing failed: then the function returns `token`, which stays valid. `MEMTRACK_TOKEN_NONE`, or a token
 * that `memtrack_on_free` refuses, counts as a block that was not reported yet. Thread-safe; safe in interrupts.
 */
memtrack_token_t memtrack_on_realloc(memtrack_token_t token,
                                     const void *ptr,
                                     size_t size);

/**
 * Reports that a block is freed. The token must not be used again. Call this before the memory can be handed out again.
 * Thread-safe; safe in interrupts.
 *
 * `MEMTRACK_ERROR_INVALID` if `token` was never handed out, or if that thread already gave back all blocks of the token's
 * thread and stack. So a token that is given back twice is detected if it was the last one. `MEMTRACK_TOKEN_NONE` is no
 * error.
 */
memtrack_result_t memtrack_on_free(memtrack_token_t token);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MEMTRACK_H */
