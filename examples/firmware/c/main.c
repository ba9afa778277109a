/*
 * Profiled firmware in C. Two programs are built from this file. They differ in their heap:
 *
 *   c_own_heap  has a heap of its own (own_heap.c): every malloc of the sources becomes memtrack_malloc (-Dmalloc=…)
 *   c_newlib    has the C library's heap (newlib.c): the linker redirects malloc to memtrack (-Wl,--wrap=malloc …)
 *
 * `cargo xtask qemu "in C"` builds and runs both; docs/embedded.md has the commands.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "gateway.h"
#include "memtrack.h"
#include "program.h"

static const char readings[] =
    "boiler 71\nattic 12\nboiler 72\ncellar 9\nattic 13\nboiler 74\nboiler 73\nattic 11\ncellar 10\n"
    "boiler 70\nattic 14\nboiler 69\ncellar 8\nboiler 75\ngarden -3\nattic 12\nboiler 71\ngarden -2\n"
    "cellar 9\nboiler 72\nattic 13\ngarden 0\nboiler 73\nattic 15\ncellar 11\nboiler 76\ngarden 1\n";

static void print(const char *text) { board_print(NULL, (const uint8_t *)text, strlen(text)); }

/* Facts that memtrack cannot find out here. */
static memtrack_result_t tell_of_the_board(void) {
    const char *build_id = _build_id + BUILD_ID_NOTE;
    memtrack_result_t result = memtrack_set_stack(_stack_bottom, _stack_top);
    if (result == MEMTRACK_OK) {
        result = memtrack_set_firmware(_code_start, _code_end, build_id, (size_t)(_build_id_end - build_id));
    }
    if (result == MEMTRACK_OK) {
        result = memtrack_set_allocator(&program_allocator);
    }
    return result;
}

static int collect_and_report(void) {
    gateway *all;
    char *report;
    memtrack_stage_begin("read");
    all = gateway_read(readings);
    memtrack_stage_end();
    if (all == NULL) {
        return 1;
    }
    memtrack_stage_begin("report");
    report = gateway_report(all);
    print(report == NULL ? "no memory\n" : report);
    free(report);
    memtrack_stage_end();
    gateway_free(all);
    return report == NULL;
}

static int check(const char *what, memtrack_result_t result) {
    if (result != MEMTRACK_OK) {
        print(what);
        print(": ");
        print(memtrack_strerror(result));
        print("\n");
    }
    return result != MEMTRACK_OK;
}

int main(void) {
    memtrack_stats_t stats;
    if (check("board", tell_of_the_board()) || collect_and_report()) {
        return 1;
    }
    stats.size = sizeof stats;
    if (check("report", memtrack_report(board_print, NULL)) || check("stats", memtrack_get_stats(&stats))) {
        return 1;
    }
    /* Nothing was lost, so each stack is whole. All allocated blocks were freed. */
    if (stats.lost_events != 0 || stats.live_bytes != 0 || stats.total_allocs == 0) {
        print("the figures are not what they should be\n");
        return 1;
    }
    return board_open_dump() || check("dump", memtrack_dump(board_write_dump, NULL));
}
