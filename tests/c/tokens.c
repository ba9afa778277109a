/*
 * A pool that reports its blocks to memtrack. Functions whose names the profile must show allocate, resize and free
 * them, in the pool's own heap. The argument is the path of the dump.
 */
#include "check.h"
#include "memtrack.h"

#define FUNCTION __attribute__((noinline)) static

static memtrack_heap_t pool;
static char memory[4096];

FUNCTION memtrack_token_t take(size_t offset, size_t size) {
    return memtrack_heap_on_alloc(pool, memory + offset, size);
}

FUNCTION memtrack_token_t grow(memtrack_token_t token, size_t offset, size_t size) {
    return memtrack_on_realloc(token, memory + offset, size);
}

FUNCTION memtrack_token_t first_reported_when_resized(void) {
    return memtrack_on_realloc(MEMTRACK_TOKEN_NONE, memory, 7);
}

static memtrack_stats_t stats(void) {
    memtrack_stats_t now;
    now.size = sizeof now;
    CHECK(memtrack_get_stats(&now) == MEMTRACK_OK);
    return now;
}

int main(int argc, char **argv) {
    memtrack_token_t grown, kept, given_back, late;
    pool = memtrack_heap("pool");
    CHECK(pool != MEMTRACK_HEAP_DEFAULT && memtrack_heap("pool") == pool && memtrack_heap("other") != pool);

    grown = grow(take(0, 100), 200, 300);
    CHECK(grown != MEMTRACK_TOKEN_NONE && stats().live_bytes == 300 && stats().live_blocks == 1);
    CHECK(stats().peak_bytes == 300 && stats().reallocs == 1);
    kept = take(500, 50);
    given_back = take(600, 1000);
    CHECK(stats().peak_bytes == 1350 && memtrack_on_free(given_back) == MEMTRACK_OK);
    CHECK(stats().live_bytes == 350 && kept != grown);
    late = first_reported_when_resized();
    CHECK(late != MEMTRACK_TOKEN_NONE && stats().live_bytes == 357 && stats().lost_events == 0);
    return argc > 1 && memtrack_dump_file(argv[1]) != MEMTRACK_OK;
}
