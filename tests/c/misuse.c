/* Every function of memtrack.h with invalid arguments: it returns an error code and never crashes. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "memtrack.h"

static int refuse(void *context, const uint8_t *data, size_t size) {
    (void)data;
    *(size_t *)context += size;
    return *(size_t *)context > 300;
}

static int take(void *context, const uint8_t *data, size_t size) {
    (void)data;
    *(size_t *)context += size;
    return 0;
}

static uint64_t clock_of_mine(void) { return 1; }

static void names(void) {
    char path[8192];
    int i;
    CHECK(memtrack_stage_begin(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_stage_end() == MEMTRACK_ERROR_NONE);
    CHECK(memtrack_tag_begin(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_tag_end() == MEMTRACK_ERROR_NONE);
    for (i = 0; memtrack_stage_begin("nested") == MEMTRACK_OK; i++) {
        CHECK(i < 1000);
    }
    CHECK(memtrack_stage_begin("deeper") == MEMTRACK_ERROR_FULL);
    for (; i > 0; i--) {
        CHECK(memtrack_stage_end() == MEMTRACK_OK);
    }
    CHECK(memtrack_stage_end() == MEMTRACK_ERROR_NONE);
    CHECK(memtrack_heap(NULL) == MEMTRACK_HEAP_DEFAULT);
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    CHECK(memtrack_stage_begin(path) == MEMTRACK_OK && memtrack_stage_end() == MEMTRACK_OK);
    CHECK(memtrack_tag_begin("\xff\xfe") == MEMTRACK_OK && memtrack_tag_end() == MEMTRACK_OK);
    CHECK(memtrack_dump_file(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_dump_stages_to(NULL) == MEMTRACK_ERROR_NULL);
    errno = 0;
    CHECK(memtrack_dump_file("/no/such/folder/file") == MEMTRACK_ERROR_FILE && errno == ENOENT);
    CHECK(memtrack_dump_file(path) == MEMTRACK_ERROR_FILE && errno == ENAMETOOLONG);
    CHECK(memtrack_dump_file("/dev/full") == MEMTRACK_ERROR_FILE && errno == ENOSPC);
}

static char text[1 << 15];

static int append(void *end, const uint8_t *data, size_t size) {
    size_t *length = end;
    if (size >= sizeof text - *length) {
        return 1;
    }
    memcpy(text + *length, data, size);
    *length += size;
    return 0;
}

/* The Prometheus metrics report the same figures. */
static void metrics(void) {
    char line[64];
    size_t length = 0;
    memtrack_stats_t stats;
    stats.size = sizeof stats;
    CHECK(memtrack_metrics(append, &length) == MEMTRACK_OK && memtrack_get_stats(&stats) == MEMTRACK_OK);
    sprintf(line, "\nmemtrack_live_bytes %lu\n", (unsigned long)stats.live_bytes);
    CHECK(strstr(text, line) != NULL);
    sprintf(line, "\nmemtrack_allocations_total %lu\n", (unsigned long)stats.total_allocs);
    CHECK(strstr(text, line) != NULL);
}

static void sinks(void) {
    size_t taken = 0;
    CHECK(memtrack_dump(NULL, NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_report(NULL, NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_dump(refuse, &taken) == MEMTRACK_ERROR_SINK && taken > 0);
    taken = 0;
    CHECK(memtrack_dump(take, &taken) == MEMTRACK_OK && taken > 300);
    taken = 301;
    CHECK(memtrack_report(refuse, &taken) == MEMTRACK_ERROR_SINK);
    CHECK(memtrack_report(take, &taken) == MEMTRACK_OK);
    CHECK(memtrack_metrics(NULL, NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_metrics(refuse, &taken) == MEMTRACK_ERROR_SINK);
    CHECK(memtrack_metrics(take, &taken) == MEMTRACK_OK);
}

static void tokens(void) {
    int here;
    memtrack_token_t token = memtrack_on_alloc(&here, 100);
    CHECK(token != MEMTRACK_TOKEN_NONE);
    CHECK(memtrack_on_alloc(NULL, 100) == MEMTRACK_TOKEN_NONE);
    CHECK(memtrack_heap_on_alloc(12345, &here, 100) == MEMTRACK_TOKEN_NONE);
    CHECK(memtrack_on_realloc(token, NULL, 200) == token);
    CHECK(memtrack_on_free(MEMTRACK_TOKEN_NONE) == MEMTRACK_OK);
    CHECK(memtrack_on_free(12345) == MEMTRACK_ERROR_INVALID);
    CHECK(memtrack_on_free(UINT64_MAX) == MEMTRACK_ERROR_INVALID);
    CHECK(memtrack_on_free(token) == MEMTRACK_OK);
}

static void allocations(void) {
    memtrack_allocator_t none;
    volatile size_t huge = SIZE_MAX;
    char *block;
    memset(&none, 0, sizeof none);
    CHECK(memtrack_set_allocator(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_set_allocator(&none) == MEMTRACK_ERROR_SIZE);
    none.size = sizeof none;
    CHECK(memtrack_set_allocator(&none) == MEMTRACK_ERROR_NULL);
    memtrack_free(NULL);
    errno = 0;
    CHECK(memtrack_malloc(huge) == NULL && errno == ENOMEM);
    CHECK(memtrack_malloc(huge - 8) == NULL && memtrack_malloc(huge / 2) == NULL);
    errno = 0;
    CHECK(memtrack_calloc(huge / 2, 3) == NULL && errno == ENOMEM);
    CHECK(memtrack_aligned_alloc(64, huge - 100) == NULL);
    block = memtrack_malloc(10);
    CHECK(block != NULL);
    strcpy(block, "untouched");
    CHECK(memtrack_realloc(block, huge) == NULL && strcmp(block, "untouched") == 0);
    memtrack_free(block);
}

static memtrack_context_t *no_task(void *context) {
    (void)context;
    return NULL;
}

/* A host has threads of its own. */
static void tasks(void) {
    memtrack_platform_t platform;
    memtrack_context_t task;
    memset(&platform, 0, sizeof platform);
    CHECK(memtrack_set_platform(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_set_platform(&platform) == MEMTRACK_ERROR_SIZE);
    platform.size = sizeof platform;
    platform.current = no_task;
    CHECK(memtrack_set_platform(&platform) == MEMTRACK_ERROR_UNSUPPORTED);
    CHECK(sizeof task == MEMTRACK_CONTEXT_SIZE);
    CHECK(memtrack_context_create(&task, "task", &task, &task + 1) == MEMTRACK_ERROR_UNSUPPORTED);
    CHECK(memtrack_context_delete(&task) == MEMTRACK_ERROR_UNSUPPORTED);
}

int main(void) {
    memtrack_stats_t stats;
    memset(&stats, 0, sizeof stats);
    CHECK(memtrack_get_stats(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_get_thread_stats(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_get_stats(&stats) == MEMTRACK_ERROR_SIZE);
    stats.size = sizeof(size_t);
    CHECK(memtrack_get_thread_stats(&stats) == MEMTRACK_ERROR_SIZE);
    CHECK(memtrack_set_clock(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_set_clock(clock_of_mine) == MEMTRACK_ERROR_UNSUPPORTED);
    CHECK(memtrack_set_stack(&stats, &stats) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_set_stack(&stats, &stats + 1) == MEMTRACK_ERROR_UNSUPPORTED);
    CHECK(memtrack_set_firmware(&stats, &stats, NULL, 0) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_set_firmware(&stats, &stats + 1, NULL, 20) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_set_firmware(&stats, &stats + 1, NULL, 0) == MEMTRACK_ERROR_UNSUPPORTED);
    CHECK(strlen(memtrack_strerror(-1)) > 0 && strlen(memtrack_strerror(INT32_MAX)) > 0);
    CHECK(strcmp(memtrack_strerror(MEMTRACK_ERROR_NULL), memtrack_strerror(MEMTRACK_OK)) != 0);
    allocations();
    names();
    sinks();
    metrics();
    tokens();
    tasks();
    stats.size = sizeof stats;
    CHECK(memtrack_get_stats(&stats) == MEMTRACK_OK);
    CHECK(stats.live_bytes == 0 && stats.live_blocks == 0 && stats.failed_allocs == 6);
    return 0;
}
