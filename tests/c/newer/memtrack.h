/* memtrack.h of a possible later version: its structs have more members than this library knows. */
#ifndef MEMTRACK_H
#define MEMTRACK_H
#include <stddef.h>
#include <stdint.h>
#define MEMTRACK_OF_TOMORROW
typedef int32_t memtrack_result_t;
#define MEMTRACK_OK 0
typedef struct memtrack_stats_t {
    size_t size;
    uint64_t live_bytes;
    uint64_t live_blocks;
    uint64_t peak_bytes;
    uint64_t peak_blocks;
    uint64_t total_bytes;
    uint64_t total_allocs;
    uint64_t total_frees;
    uint64_t reallocs;
    uint64_t temporary;
    uint64_t failed_allocs;
    uint64_t lost_events;
    uint64_t of_tomorrow;
    uint64_t of_next_year;
} memtrack_stats_t;
typedef struct memtrack_allocator_t {
    size_t size;
    void *context;
    void *(*allocate)(void *context, size_t size, size_t align);
    void (*release)(void *context, void *block);
    void *(*resize)(void *context, void *block, size_t size);
    size_t (*of_tomorrow)(void *context, void *block);
} memtrack_allocator_t;
memtrack_result_t memtrack_set_allocator(const memtrack_allocator_t *allocator);
void *memtrack_malloc(size_t size);
void memtrack_free(void *block);
memtrack_result_t memtrack_get_stats(struct memtrack_stats_t *stats);
#endif
