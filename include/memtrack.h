/*
 * memtrack: a heap profiler that is a library. The C interface.
 *
 * Written from the Rust sources by `cargo xtask header`: change it there. The guide is docs/c.md.
 *
 * Every function returns memtrack_result_t, 0 (MEMTRACK_OK) when all is well, or a value whose "none" is told with it.
 * None of them panics, aborts or throws; NULL and misuse give a code, which memtrack_strerror puts into words. None
 * allocates for itself. Names are strings of UTF-8 that end in NUL; they are copied. Structs that both sides see begin
 * with `size`, which the caller sets, so that programs and libraries of different versions work together.
 *
 * Every function may be called from every thread, at the same time. In interrupts and signal handlers only those that say
 * so; the memtrack_malloc family where the allocator underneath may be. Blocks and tokens are the caller's until it gives
 * them back; nothing else that a function returns is to be given back.
 */

#ifndef MEMTRACK_H
#define MEMTRACK_H

#include <stddef.h>
#include <stdint.h>

/**
 * It was done.
 */
#define MEMTRACK_OK 0

/**
 * An argument that must not be NULL is.
 */
#define MEMTRACK_ERROR_NULL 1

/**
 * The `size` of a struct is not that of any version: set it to `sizeof` the struct before the call.
 */
#define MEMTRACK_ERROR_SIZE 2

/**
 * More stages nested, more tags or more heaps than there is room for. What was asked for was not begun.
 */
#define MEMTRACK_ERROR_FULL 3

/**
 * There is no stage or tag to end.
 */
#define MEMTRACK_ERROR_NONE 4

/**
 * No token, or no heap, that was ever handed out.
 */
#define MEMTRACK_ERROR_INVALID 5

/**
 * The sink of a dump refused the bytes; what it took before is readable.
 */
#define MEMTRACK_ERROR_SINK 6

/**
 * A file could not be written; `errno` says why.
 */
#define MEMTRACK_ERROR_FILE 7

/**
 * Another dump is being written; it goes on.
 */
#define MEMTRACK_ERROR_BUSY 8

/**
 * The allocator was already chosen: set it before the first block is allocated.
 */
#define MEMTRACK_ERROR_TOO_LATE 9

/**
 * There is no such thing on this target: no files on bare metal, no stack to set on a host.
 */
#define MEMTRACK_ERROR_UNSUPPORTED 10

/**
 * The tracker does not work: another one in this process has its tables, or there was no memory for them.
 */
#define MEMTRACK_ERROR_TRACKER 11

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
 * No block: what the functions below return when nothing was booked. Giving it back does nothing.
 */
#define MEMTRACK_TOKEN_NONE 0

/**
 * The heap of blocks that show without a heap's name, beside those of `malloc`.
 */
#define MEMTRACK_HEAP_DEFAULT 0

/**
 * What a function says of its work: `MEMTRACK_OK` or one of the `MEMTRACK_ERROR_…` codes.
 */
typedef int32_t memtrack_result_t;

/**
 * An allocator of the program's: three functions and what they are handed. They are called by whatever allocates, in
 * interrupts too when those do; memtrack does not lock around them.
 *
 * Set `size` to `sizeof(memtrack_allocator_t)`: later versions append members.
 */
typedef struct memtrack_allocator_t {
  /**
   * `sizeof(memtrack_allocator_t)`, set by the caller.
   */
  size_t size;
  /**
   * Handed to the functions.
   */
  void *context;
  /**
   * A block of `size` bytes at a multiple of `align`, a power of two; NULL when there is no memory. Must not be NULL.
   */
  void *(*allocate)(void *context, size_t size, size_t align);
  /**
   * Takes a block back. Must not be NULL.
   */
  void (*release)(void *context, void *block);
  /**
   * A block resized, perhaps elsewhere with its bytes copied, aligned for every type of C; NULL when that failed and
   * the block is as it was. May be NULL: then blocks are allocated anew and copied.
   */
  void *(*resize)(void *context, void *block, size_t size);
} memtrack_allocator_t;

/**
 * A clock: nanoseconds since some start, never going back.
 */
typedef uint64_t (*memtrack_clock_fn)(void);

/**
 * Takes the next `size` bytes of a dump, a report or metrics. 0 when it took all of them; anything else ends the writing. It must
 * return (no `longjmp`, no C++ exception), and must not write a dump itself.
 */
typedef int (*memtrack_write_fn)(void *context, const uint8_t *data, size_t size);

/**
 * The figures of the program, or of one thread. Bytes are the sizes that were asked for.
 *
 * Later versions append members. Set `size` to `sizeof(memtrack_stats_t)` before each call: a library that knows fewer
 * members sets the others to 0, one that knows more leaves them out.
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
 * What a block is known by after it was told. Keep it with the block, and give it back once.
 */
typedef uint64_t memtrack_token_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes the `memtrack_malloc` family (and `__wrap_malloc` …) take its blocks from `allocator`, which is copied. On bare
 * metal nothing can be allocated before; on hosts the C library serves unless this comes first. Call it once, before
 * the first block is allocated and before interrupts or threads allocate.
 *
 * `MEMTRACK_ERROR_NULL` when `allocator` or a function that must be there is NULL, `MEMTRACK_ERROR_SIZE` when its `size`
 * was not set, `MEMTRACK_ERROR_TOO_LATE` when blocks were allocated already.
 *
 * Safety:
 * `allocator` must be NULL or point to as many bytes as its `size` says; its functions must do what the struct says.
 */
memtrack_result_t memtrack_set_allocator(const struct memtrack_allocator_t *allocator);

/**
 * Bare metal: says where the stack lies, its lowest address and the one past its highest. All of it must be readable.
 * Without it no stacks are captured. Call it first thing in `main`.
 *
 * `MEMTRACK_ERROR_NULL` when `low` is not below `high`, `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
 *
 * Safety:
 * The memory from `low` to `high` must be readable for ever.
 */
memtrack_result_t memtrack_set_stack(const void *low, const void *high);

/**
 * Bare metal: sets the clock. It is asked inside allocations at each new peak, and at stages; it must return quickly and
 * not allocate. Without it all times are 0.
 *
 * `MEMTRACK_ERROR_NULL` when `clock` is NULL, `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
 *
 * Safety:
 * `clock` must be NULL or a function that may be called at any time.
 */
memtrack_result_t memtrack_set_clock(memtrack_clock_fn clock);

/**
 * Bare metal: says which program this is, so that `memtrack-fold` can tell whether a file is the one that the dump is of:
 * the first address of its code, the one past it, and its build id (what `-Wl,--build-id` writes, without the 16 bytes of
 * the note's head). `build_id` may be NULL when `size` is 0. What was said first stays.
 *
 * `MEMTRACK_ERROR_NULL` when `code` is not below `code_end` or the build id is missing, `MEMTRACK_ERROR_UNSUPPORTED` on
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
 * Writes a snapshot of the whole program to `write`, a few hundred bytes to a few kilobytes at a time; `memtrack-fold`
 * reads it. `context` is handed on. Allocates nothing. Thread-safe; other threads go on. Not for interrupts.
 *
 * `MEMTRACK_ERROR_NULL` when `write` is NULL, `MEMTRACK_ERROR_SINK` when it said no.
 *
 * Safety:
 * `write` must be NULL or a function that may be called with `context`.
 */
memtrack_result_t memtrack_dump(memtrack_write_fn write, void *context);

/**
 * Writes the report, text for people, to `write`: losses, totals, stages and threads by peak; on hosts also live bytes over
 * time and allocations by size. UTF-8. Allocates nothing. Thread-safe.
 *
 * `MEMTRACK_ERROR_NULL` when `write` is NULL, `MEMTRACK_ERROR_SINK` when it said no.
 *
 * Safety:
 * `write` must be NULL or a function that may be called with `context`.
 */
memtrack_result_t memtrack_report(memtrack_write_fn write,
                                  void *context);

/**
 * Writes the figures to `write` in the text format of Prometheus (version 0.0.4): live, peak, allocations, bytes and
 * failures of the program, the same by thread and by stage, losses by cause. Allocates nothing. Thread-safe.
 *
 * `MEMTRACK_ERROR_NULL` when `write` is NULL, `MEMTRACK_ERROR_SINK` when it said no.
 *
 * Safety:
 * `write` must be NULL or a function that may be called with `context`.
 */
memtrack_result_t memtrack_metrics(memtrack_write_fn write, void *context);

/**
 * Writes a snapshot of the whole program to a file; what the file held is gone. Allocates nothing. Thread-safe.
 *
 * `MEMTRACK_ERROR_NULL` when `path` is NULL, `MEMTRACK_ERROR_FILE` (and `errno`) when the file could not be written,
 * `MEMTRACK_ERROR_UNSUPPORTED` on bare metal.
 *
 * Safety:
 * `path` must be NULL or a string.
 */
memtrack_result_t memtrack_dump_file(const char *path);

/**
 * From now on each stage that ends appends its own snapshot to a file: what every stack held at the stage's peak. What
 * the file held is gone. The environment variable `MEMTRACK_DUMP=path` implies it. Thread-safe.
 *
 * Errors are those of `memtrack_dump_file`.
 *
 * Safety:
 * `path` must be NULL or a string.
 */
memtrack_result_t memtrack_dump_stages_to(const char *path);

/**
 * Allocates `size` bytes, aligned for every type. The block is the caller's until `memtrack_free` or
 * `memtrack_realloc`. NULL when there is no memory, with `errno` set where there is one. A size of 0 gives what the C
 * library gives. Thread-safe where the allocator underneath is.
 *
 * On hosts the block may be given to `free` as well, and then counts as alive for ever.
 */
void *memtrack_malloc(size_t size);

/**
 * Allocates `count` times `size` bytes that are zero. As `memtrack_malloc`; NULL also when the product is too large.
 */
void *memtrack_calloc(size_t count, size_t size);

/**
 * Resizes a block to `size` bytes, perhaps elsewhere; what both sizes have stays. NULL when there is no memory: then the
 * block is as it was. A `block` of NULL allocates. A `size` of 0 does what the C library does. Thread-safe as
 * `memtrack_malloc`.
 *
 * Safety:
 * `block` must be NULL, a live block of this family or, on hosts, of the C library.
 */
void *memtrack_realloc(void *block,
                       size_t size);

/**
 * Allocates `size` bytes at a multiple of `align`, a power of two; `size` need not be a multiple of it. NULL when there
 * is no memory. Freed by `memtrack_free`. Thread-safe as `memtrack_malloc`.
 */
void *memtrack_aligned_alloc(size_t align, size_t size);

/**
 * Gives a block back. NULL does nothing. `errno` stays as it is. Thread-safe as `memtrack_malloc`.
 *
 * Safety:
 * `block` must be NULL, a live block of this family or, on hosts, of the C library; it must not be used afterwards.
 */
void memtrack_free(void *block);

/**
 * The version of the library that is loaded, as text: "0.1.0". It may be another than the header's
 * (`MEMTRACK_VERSION_MAJOR` …). Never NULL; valid for ever. Thread- and interrupt-safe.
 */
const char *memtrack_version(void);

/**
 * The version of the library that is loaded, as a number: major · 10⁶ + minor · 10³ + patch, so that later ones are
 * larger. Thread- and interrupt-safe.
 */
uint32_t memtrack_version_number(void);

/**
 * What a result code means and what to do about it, in English. Never NULL, whatever the code; valid for ever.
 * Thread- and interrupt-safe.
 */
const char *memtrack_strerror(memtrack_result_t code);

/**
 * Begins a stage of the whole process: a named span with peaks of its own. Stages nest; runs of one name are counted
 * together. The name is copied (47 bytes of it). Thread-safe.
 *
 * `MEMTRACK_ERROR_FULL` when stages are nested too deep (16): then nothing is to be ended.
 *
 * Safety:
 * `name` must be NULL or a string.
 */
memtrack_result_t memtrack_stage_begin(const char *name);

/**
 * Ends the stage that was begun last and still runs. Thread-safe.
 *
 * `MEMTRACK_ERROR_NONE` when none runs.
 */
memtrack_result_t memtrack_stage_end(void);

/**
 * Pushes a tag on the calling thread: until it ends, the thread's events show under its name at the root of their
 * flames. Tags nest. The name is copied (47 bytes of it). Thread-safe.
 *
 * `MEMTRACK_ERROR_FULL` when there are too many names of tags: then nothing is to be ended.
 *
 * Safety:
 * `name` must be NULL or a string.
 */
memtrack_result_t memtrack_tag_begin(const char *name);

/**
 * Pops the calling thread's innermost tag. Thread-safe.
 *
 * `MEMTRACK_ERROR_NONE` when it has none.
 */
memtrack_result_t memtrack_tag_end(void);

/**
 * Fills in the figures of the program. Exact when no other thread is in the middle of an allocation. Thread-safe; safe
 * in interrupts and signal handlers.
 *
 * `MEMTRACK_ERROR_NULL` when `stats` is NULL, `MEMTRACK_ERROR_SIZE` when its `size` was not set.
 *
 * Safety:
 * `stats` must be NULL or point to at least `stats->size` bytes that may be written.
 */
memtrack_result_t memtrack_get_stats(struct memtrack_stats_t *stats);

/**
 * Fills in the figures of the calling thread: of the blocks that it allocated, whoever frees them. Thread-safe; in a
 * signal handler that interrupted an allocation all figures are 0.
 *
 * `MEMTRACK_ERROR_NULL` when `stats` is NULL, `MEMTRACK_ERROR_SIZE` when its `size` was not set.
 *
 * Safety:
 * `stats` must be NULL or point to at least `stats->size` bytes that may be written.
 */
memtrack_result_t memtrack_get_thread_stats(struct memtrack_stats_t *stats);

/**
 * The peaks of the program and of every thread become what is alive now. Costs the same however many threads there are.
 * Thread-safe.
 */
memtrack_result_t memtrack_reset_peak(void);

/**
 * The calling thread's peak becomes what it holds now. Thread-safe.
 */
memtrack_result_t memtrack_reset_thread_peak(void);

/**
 * From now on events are counted without thread and stack, as lost: live and peak stay exact. Thread-safe; safe in
 * interrupts.
 */
memtrack_result_t memtrack_pause(void);

/**
 * Ends `memtrack_pause`. Thread-safe; safe in interrupts.
 */
memtrack_result_t memtrack_resume(void);

/**
 * The heap called `name`, made when it is new: its blocks show under that name at the root of their flames. The name is
 * copied (47 bytes of it). `MEMTRACK_HEAP_DEFAULT` when `name` is NULL or there is no room for one more (32 on hosts,
 * 4 on bare metal). Thread-safe. Ask once and keep it: this searches.
 *
 * Safety:
 * `name` must be NULL or a string.
 */
memtrack_heap_t memtrack_heap(const char *name);

/**
 * Tells that a block of `size` bytes was handed out at `ptr` (an address, or any handle that is not NULL), by the
 * calling thread and stack, in `MEMTRACK_HEAP_DEFAULT`. `MEMTRACK_TOKEN_NONE` when `ptr` is NULL: then nothing was
 * handed out. Thread-safe; safe in interrupts.
 */
memtrack_token_t memtrack_on_alloc(const void *ptr, size_t size);

/**
 * As `memtrack_on_alloc`, in a heap of `memtrack_heap`. `MEMTRACK_TOKEN_NONE` when there is no such heap.
 * Thread-safe; safe in interrupts.
 */
memtrack_token_t memtrack_heap_on_alloc(memtrack_heap_t heap, const void *ptr, size_t size);

/**
 * Tells that a block was resized, and perhaps moved to `ptr`: one event, after which the block belongs to the calling
 * thread and stack, in the heap that it was in. Returns its new token; the old one is spent. When `ptr` is NULL the
 * resizing failed: `token` is returned and stays good. `MEMTRACK_TOKEN_NONE`, or a token that `memtrack_on_free` refuses, counts as a block that was not told yet.
 * Thread-safe; safe in interrupts.
 */
memtrack_token_t memtrack_on_realloc(memtrack_token_t token,
                                     const void *ptr,
                                     size_t size);

/**
 * Tells that a block is given back; the token is spent. Tell it before the memory can be handed out again.
 * Thread-safe; safe in interrupts.
 *
 * `MEMTRACK_ERROR_INVALID` when `token` was never handed out, or all blocks of its thread and stack were given back by that
 * thread: so a token that is given back twice shows when it was the last one. `MEMTRACK_TOKEN_NONE` is no error.
 */
memtrack_result_t memtrack_on_free(memtrack_token_t token);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MEMTRACK_H */
