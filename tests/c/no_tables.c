/* At the first event there is no memory for the tables. Blocks are allocated all the same, and every function reports
 * that nothing is tracked. */

#include <memtrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int ignore(void *context, const uint8_t *bytes, size_t size) {
    (void)context, (void)bytes, (void)size;
    return 0;
}

static int failures;
static void check(int holds, const char *what) {
    if (!holds) failures++, printf("not so: %s\n", what);
}

int main(void) {
    /* Now the heap has room for the rest of the program. */
    free(malloc(100000));
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = 1 << 20;
    if (setrlimit(RLIMIT_AS, &limit)) perror("setrlimit");

    char *block = memtrack_malloc(100);
    check(block != NULL, "a block is allocated");
    memset(block, 7, 100);
    block = memtrack_realloc(block, 2000);
    check(block != NULL && block[99] == 7, "the block is resized");
    memtrack_free(block);

    memtrack_stats_t stats = {.size = sizeof stats};
    memtrack_get_stats(&stats);
    check(stats.total_allocs == 0, "nothing is counted");
    check(memtrack_stage_begin("stage") != MEMTRACK_OK, "no stage begins");
    check(memtrack_stage_end() != MEMTRACK_OK, "no stage ends");
    check(memtrack_tag_begin("tag") != MEMTRACK_OK, "no tag begins");
    check(memtrack_tag_end() != MEMTRACK_OK, "no tag ends");
    memtrack_reset_peak();
    memtrack_reset_thread_peak();
    check(memtrack_heap("heap") == MEMTRACK_HEAP_DEFAULT, "there is no heap");
    memtrack_token_t token = memtrack_on_alloc(&limit, 10);
    memtrack_on_free(token);
    check(memtrack_dump(ignore, NULL) == MEMTRACK_ERROR_TRACKER, "no dump is written");
    memtrack_get_thread_stats(&stats);
    check(stats.total_allocs == 0, "nothing is counted for the thread");
    printf("failures %d\n", failures);
    return failures != 0;
}
