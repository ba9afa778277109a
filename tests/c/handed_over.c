/*
 * Linked with --wrap. A block that the C library allocates and passes to the program is not tracked, so its free is
 * not counted either, even at the address of a former tracked block. It is tracked once the program resizes it.
 */
#define _GNU_SOURCE
#include <string.h>

#include "check.h"
#include "memtrack.h"

static memtrack_stats_t stats(void) {
    memtrack_stats_t now;
    now.size = sizeof now;
    CHECK(memtrack_get_stats(&now) == MEMTRACK_OK);
    return now;
}

/* Whether these blocks are live, beside the one of 1000 bytes that stays. */
static int is_alive(size_t blocks, size_t bytes) {
    memtrack_stats_t now = stats();
    return now.live_blocks == 1 + blocks && now.live_bytes == 1000 + bytes && now.lost_events == 0;
}

int main(void) {
    static const char text[] = "as long as the block that was freed before it";
    char *volatile block, *line = NULL;
    void *stays = malloc(1000);
    size_t i, room = 0, recycled = 0;
    for (i = 0; i < 100; i++) {
        void *before = block = malloc(sizeof text);
        CHECK(is_alive(1, sizeof text));
        free(block);
        block = strdup(text);
        recycled += block == before;
        CHECK(is_alive(0, 0));
        free(block);
        CHECK(is_alive(0, 0));
    }
    CHECK(recycled > 0);

    block = realloc(strdup(text), 100);
    CHECK(is_alive(1, 100) && strcmp(block, text) == 0);
    free(block);
    CHECK(getline(&line, &room, stdin) > 0);
    free(line);
    CHECK(is_alive(0, 0));
    free(stays);
    return 0;
}
