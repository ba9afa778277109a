/*
 * Way (a): the program calls the memtrack_malloc family itself.
 *
 *   cc -g call.c -I ../../include -L ../../target/release -lmemtrack -o call
 *   ./call call.memtrack
 *   memtrack-fold call.memtrack -m peak -o peak.svg
 */
#include <stdio.h>
#include <string.h>

#include "memtrack.h"

typedef struct entry {
    struct entry *next;
    char *name;
} entry;

static char *copy_name(const char *name) {
    size_t size = strlen(name) + 1;
    char *copy = memtrack_malloc(size);
    return copy == NULL ? NULL : memcpy(copy, name, size);
}

static entry *add_entry(entry *list, const char *name) {
    entry *added = memtrack_malloc(sizeof *added);
    if (added == NULL) {
        return list;
    }
    added->next = list;
    added->name = copy_name(name);
    return added;
}

static void free_entries(entry *list) {
    while (list != NULL) {
        entry *next = list->next;
        memtrack_free(list->name);
        memtrack_free(list);
        list = next;
    }
}

/* Prints what went wrong. */
static int checked(memtrack_result_t result) {
    if (result != MEMTRACK_OK) {
        fprintf(stderr, "memtrack: %s\n", memtrack_strerror(result));
    }
    return result != MEMTRACK_OK;
}

int main(int argc, char **argv) {
    entry *list = NULL;
    memtrack_stats_t stats;
    char name[32];
    int i;

    memtrack_stage_begin("load");
    for (i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "entry %03d", i);
        list = add_entry(list, name);
    }
    memtrack_stage_end();

    memtrack_stage_begin("free");
    free_entries(list);
    memtrack_stage_end();

    stats.size = sizeof stats;
    if (checked(memtrack_get_stats(&stats))) {
        return 1;
    }
    printf("allocations %llu\n", (unsigned long long)stats.total_allocs);
    printf("peak %llu\n", (unsigned long long)stats.peak_bytes);
    printf("live %llu\n", (unsigned long long)stats.live_bytes);
    return argc > 1 ? checked(memtrack_dump_file(argv[1])) : 0;
}
