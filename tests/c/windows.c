/*
 * windows DUMP: the library on Windows. Known figures, stages, tags, threads with names, blocks reported by hand, errors.
 *
 *   stage   function   blocks                                        fate
 *   read    read       100 of 64, one of 10 times 50 (calloc)        freed at the end of `main`
 *   read    grow       10, then realloc to 20 000                    freed in the stage
 *   work    work       in each of 3 threads 5 of 1 000 at 4096       freed by `main`, tag `work`
 *   -       report     one of 7 000 in the heap `pool`               alive at the dump, and at the end
 */
#include <string.h>

#include <windows.h>

#include "check.h"
#include "memtrack.h"

/* Older headers of MinGW lack it. */
__declspec(dllimport) HRESULT WINAPI SetThreadDescription(HANDLE thread, PCWSTR name);

#define FUNCTION __attribute__((noinline)) static
#define THREADS 3

static void *kept[101], *worked[THREADS][5];

FUNCTION void read_all(void) {
    int i;
    const char *zeros;
    for (i = 0; i < 100; i++) {
        kept[i] = memtrack_malloc(64);
        CHECK(kept[i] != NULL && (uintptr_t)kept[i] % 16 == 0);
    }
    kept[100] = memtrack_calloc(10, 50);
    zeros = kept[100];
    for (i = 0; i < 500; i++) {
        CHECK(zeros[i] == 0);
    }
}

FUNCTION void grow(void) {
    char *block = memtrack_malloc(10);
    memcpy(block, "0123456789", 10);
    block = memtrack_realloc(block, 20000);
    CHECK(block != NULL && memcmp(block, "0123456789", 10) == 0);
    memtrack_free(block);
}

FUNCTION void work(void **blocks) {
    int i;
    CHECK(memtrack_tag_begin("work") == MEMTRACK_OK);
    for (i = 0; i < 5; i++) {
        SetLastError(4711);
        blocks[i] = memtrack_aligned_alloc(4096, 1000);
        CHECK(GetLastError() == 4711);
        CHECK(blocks[i] != NULL && (uintptr_t)blocks[i] % 4096 == 0);
    }
    CHECK(memtrack_tag_end() == MEMTRACK_OK);
    CHECK(memtrack_tag_end() == MEMTRACK_ERROR_NONE);
}

static DWORD WINAPI run(void *blocks) {
    memtrack_stats_t stats;
    work(blocks);
    stats.size = sizeof stats;
    CHECK(memtrack_get_thread_stats(&stats) == MEMTRACK_OK);
    CHECK(stats.live_bytes == 5000 && stats.total_allocs == 5);
    return 0;
}

static void work_in_threads(void) {
    HANDLE threads[THREADS];
    wchar_t name[] = L"worker-0";
    int i;
    for (i = 0; i < THREADS; i++) {
        threads[i] = CreateThread(NULL, 0, run, worked[i], CREATE_SUSPENDED, NULL);
        CHECK(threads[i] != NULL);
        name[7] = (wchar_t)(L'0' + i);
        CHECK(SetThreadDescription(threads[i], name) >= 0);
        CHECK(ResumeThread(threads[i]) == 1);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(WaitForSingleObject(threads[i], INFINITE) == WAIT_OBJECT_0);
        CloseHandle(threads[i]);
    }
}

FUNCTION memtrack_token_t report(void) {
    static char pool[7000];
    memtrack_heap_t heap = memtrack_heap("pool");
    CHECK(heap != MEMTRACK_HEAP_DEFAULT);
    return memtrack_heap_on_alloc(heap, pool, sizeof pool);
}

static int count(void *context, const uint8_t *data, size_t size) {
    (void)data;
    *(size_t *)context += size;
    return 0;
}

static void free_all(void) {
    int i, j;
    for (i = 0; i < 101; i++) {
        memtrack_free(kept[i]);
    }
    for (i = 0; i < THREADS; i++) {
        for (j = 0; j < 5; j++) {
            memtrack_free(worked[i][j]);
        }
    }
    memtrack_free(NULL);
}

static void fail(void) {
    memtrack_allocator_t own;
    memset(&own, 0, sizeof own);
    CHECK(memtrack_set_allocator(&own) == MEMTRACK_ERROR_SIZE);
    CHECK(memtrack_set_stack(kept, kept + 1) == MEMTRACK_ERROR_UNSUPPORTED);
    CHECK(memtrack_dump_file(NULL) == MEMTRACK_ERROR_NULL);
    CHECK(memtrack_dump_file("C:\\no such folder\\dump") == MEMTRACK_ERROR_FILE);
    CHECK(GetLastError() == ERROR_PATH_NOT_FOUND);
    CHECK(memtrack_dump_file("not UTF-8: \xff") == MEMTRACK_ERROR_FILE);
    CHECK(GetLastError() == ERROR_INVALID_NAME);
    CHECK(memtrack_malloc((size_t)-1) == NULL);
}

int main(int argc, char **argv) {
    memtrack_stats_t stats;
    size_t size = 0;
    memtrack_token_t token;
    CHECK(argc == 2);
    CHECK(memtrack_stage_begin("read") == MEMTRACK_OK);
    read_all();
    grow();
    CHECK(memtrack_stage_end() == MEMTRACK_OK);
    CHECK(memtrack_stage_begin("work") == MEMTRACK_OK);
    work_in_threads();
    CHECK(memtrack_stage_end() == MEMTRACK_OK);
    CHECK(memtrack_stage_end() == MEMTRACK_ERROR_NONE);
    token = report();
    CHECK(token != MEMTRACK_TOKEN_NONE);
    stats.size = sizeof stats;
    CHECK(memtrack_get_stats(&stats) == MEMTRACK_OK);
    CHECK(stats.live_bytes == 6900 + 15000 + 7000 && stats.live_blocks == 101 + 15 + 1);
    CHECK(stats.total_allocs == 101 + 2 + 15 + 1 && stats.reallocs == 1 && stats.failed_allocs == 0);
    CHECK(stats.peak_bytes == 6900 + 15000 + 7000 && stats.lost_events == 0);
    CHECK(memtrack_dump_file(argv[1]) == MEMTRACK_OK);
    CHECK(memtrack_dump(count, &size) == MEMTRACK_OK && size > 1000);
    free_all();
    fail();
    CHECK(memtrack_get_stats(&stats) == MEMTRACK_OK);
    CHECK(stats.live_bytes == 7000 && stats.live_blocks == 1 && stats.failed_allocs == 1);
    return 0;
}
