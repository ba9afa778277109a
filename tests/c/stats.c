/*
 * Also compiled against an older and a newer header: members that the library does not know are 0, and it writes
 * nothing behind the members that the caller knows.
 */
#include <string.h>

#include "check.h"
#include "memtrack.h"

struct guarded {
    memtrack_stats_t stats;
    unsigned char behind[64];
};

#ifdef MEMTRACK_OF_TOMORROW
static void *allocate(void *context, size_t size, size_t align) {
    (void)context;
    return align > 16 ? NULL : malloc(size);
}

static void release(void *context, void *block) {
    (void)context;
    free(block);
}

/* An allocator with a function that this library never calls. */
static void choose_allocator(void) {
    memtrack_allocator_t own;
    memset(&own, 0, sizeof own);
    own.size = sizeof own;
    own.allocate = allocate;
    own.release = release;
    CHECK(memtrack_set_allocator(&own) == MEMTRACK_OK);
}
#else
static void choose_allocator(void) {}
#endif

int main(void) {
    struct guarded guarded;
    size_t i;
    void *block;
    choose_allocator();
    block = memtrack_malloc(100);
    memset(&guarded, 0xaa, sizeof guarded);
    guarded.stats.size = sizeof guarded.stats;
    CHECK(memtrack_get_stats(&guarded.stats) == MEMTRACK_OK);
    CHECK(guarded.stats.size == sizeof guarded.stats);
    CHECK(guarded.stats.live_bytes == 100 && guarded.stats.live_blocks == 1);
    CHECK(guarded.stats.peak_bytes == 100 && guarded.stats.total_bytes == 100);
#ifdef MEMTRACK_OF_TOMORROW
    CHECK(guarded.stats.of_tomorrow == 0 && guarded.stats.of_next_year == 0);
#endif
    for (i = 0; i < sizeof guarded.behind; i++) {
        CHECK(guarded.behind[i] == 0xaa);
    }
    memtrack_free(block);
    printf("size %lu\n", (unsigned long)sizeof guarded.stats);
    return 0;
}
