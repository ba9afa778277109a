/*
 * The program's own allocator under the memtrack_malloc family, which can resize if the argument is `resize`. It
 * counts the blocks that it hands out; all of them must come back.
 */
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "memtrack.h"

static size_t handed_out, failing;

static void *allocate(void *context, size_t size, size_t align) {
    void *block = NULL;
    CHECK(context == &handed_out && align != 0 && (align & (align - 1)) == 0);
    if (failing) {
        return NULL;
    }
    CHECK(posix_memalign(&block, align < sizeof(void *) ? sizeof(void *) : align, size) == 0);
    memset(block, 0x5a, size);
    handed_out++;
    return block;
}

static void release(void *context, void *block) {
    CHECK(context == &handed_out && block != NULL);
    handed_out--;
    free(block);
}

static void *resize(void *context, void *block, size_t size) {
    CHECK(context == &handed_out && block != NULL);
    return failing ? NULL : realloc(block, size);
}

static memtrack_stats_t stats(void) {
    memtrack_stats_t now;
    now.size = sizeof now;
    CHECK(memtrack_get_stats(&now) == MEMTRACK_OK);
    return now;
}

static int is_filled(const unsigned char *block, unsigned char with, size_t size) {
    while (size > 0 && *block == with) {
        block++;
        size--;
    }
    return size == 0;
}

int main(int argc, char **argv) {
    memtrack_allocator_t own;
    unsigned char *block, *aligned;
    size_t align;
    memset(&own, 0, sizeof own);
    own.size = sizeof own;
    own.context = &handed_out;
    own.allocate = allocate;
    own.release = release;
    if (argc > 1 && strcmp(argv[1], "resize") == 0) {
        own.resize = resize;
    }
    CHECK(memtrack_set_allocator(&own) == MEMTRACK_OK);
    CHECK(memtrack_set_allocator(&own) == MEMTRACK_ERROR_TOO_LATE);

    block = memtrack_calloc(10, 10);
    CHECK(handed_out == 1 && is_filled(block, 0, 100) && (uintptr_t)block % 16 == 0);
    memset(block, 1, 100);
    block = memtrack_realloc(block, 1000);
    CHECK(handed_out == 1 && is_filled(block, 1, 100));
    CHECK(stats().live_bytes == 1000 && stats().live_blocks == 1 && stats().reallocs == 1);
    failing = 1;
    CHECK(memtrack_realloc(block, 2000) == NULL && memtrack_malloc(5) == NULL && is_filled(block, 1, 100));
    failing = 0;
    CHECK(stats().live_bytes == 1000 && stats().failed_allocs == 2);
    block = memtrack_realloc(block, 50);
    CHECK(is_filled(block, 1, 50) && stats().live_bytes == 50);
    memtrack_free(block);
    CHECK(handed_out == 0 && stats().live_bytes == 0);

    for (align = 1; align <= 4096; align *= 2) {
        aligned = memtrack_aligned_alloc(align, 77);
        CHECK(aligned != NULL && (uintptr_t)aligned % align == 0);
        memset(aligned, 2, 77);
        aligned = memtrack_realloc(aligned, 7777);
        CHECK(is_filled(aligned, 2, 77) && stats().live_bytes == 7777);
        memtrack_free(aligned);
    }
    CHECK(handed_out == 0 && stats().live_blocks == 0 && stats().lost_events == 0);

    /* A damaged header: the block is not released, and the loss is counted. The damage is in the check byte: damage
     * in another byte passes the check in one of 256 cases. */
    block = memtrack_malloc(10);
    block[-5] ^= 0xff;
    memtrack_free(block);
    CHECK(handed_out == 1 && stats().lost_events == 1);
    return 0;
}
