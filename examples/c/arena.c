/*
 * Tokens: an arena hands out pieces of one mapping. No allocator can be wrapped here, so the arena reports each piece to
 * memtrack, in a heap of its own: the flame graph shows "arena" beside malloc.
 *
 *   cc -g arena.c -I ../../include -L ../../target/release -lmemtrack -o arena
 *   ./arena arena.memtrack
 *   memtrack-fold arena.memtrack -m live
 */
#include <stdio.h>

#include "memtrack.h"

static char memory[1 << 16];
static size_t used;
static memtrack_heap_t heap;

/* A piece, and the token that identifies it. */
typedef struct piece {
    void *bytes;
    memtrack_token_t token;
} piece;

static piece arena_take(size_t size) {
    piece taken = {NULL, MEMTRACK_TOKEN_NONE};
    if (size <= sizeof memory - used) {
        taken.bytes = memory + used;
        used += size;
    }
    /* NULL is no piece, and returns no token. */
    taken.token = memtrack_heap_on_alloc(heap, taken.bytes, size);
    return taken;
}

static piece load_texture(void) { return arena_take(20000); }

static piece load_sound(void) { return arena_take(3000); }

int main(int argc, char **argv) {
    memtrack_stats_t stats;
    piece texture, sound, none;
    void *block;
    heap = memtrack_heap("arena");
    texture = load_texture();
    sound = load_sound();
    none = arena_take(1 << 20);
    block = memtrack_malloc(500);
    memtrack_on_free(sound.token);
    memtrack_on_free(none.token);
    stats.size = sizeof stats;
    if (texture.bytes == NULL || block == NULL || memtrack_get_stats(&stats) != MEMTRACK_OK) {
        return 1;
    }
    printf("live %llu\n", (unsigned long long)stats.live_bytes);
    printf("peak %llu\n", (unsigned long long)stats.peak_bytes);
    return argc > 1 && memtrack_dump_file(argv[1]) != MEMTRACK_OK;
}
