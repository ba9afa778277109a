/* memtrack.h of an early version: the struct ends after the total. This file never changes. */
#ifndef MEMTRACK_H
#define MEMTRACK_H
#include <stddef.h>
#include <stdint.h>
typedef int32_t memtrack_result_t;
#define MEMTRACK_OK 0
typedef struct memtrack_stats_t {
    size_t size;
    uint64_t live_bytes;
    uint64_t live_blocks;
    uint64_t peak_bytes;
    uint64_t peak_blocks;
    uint64_t total_bytes;
} memtrack_stats_t;
void *memtrack_malloc(size_t size);
void memtrack_free(void *block);
memtrack_result_t memtrack_get_stats(struct memtrack_stats_t *stats);
#endif
