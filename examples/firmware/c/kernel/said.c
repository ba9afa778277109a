#include "said.h"

#include <stdlib.h>
#include <string.h>

said_figures said;

static void read_line(const char *line) {
    const char *last = strrchr(line, ' ');
    uint32_t number = last == NULL ? 0 : (uint32_t)strtoul(last, NULL, 10);
    if (strncmp(line, "memtrack_thread_allocations_total{", 34) == 0) {
        *(strstr(line, "thread_id=\"0\"") == NULL ? &said.attributed : &said.unattributed) += number;
    } else if (strncmp(line, "memtrack_losses_total{", 22) == 0) {
        int in_the_hook = strstr(line, "event inside the hook") != NULL;
        said.in_the_hook += in_the_hook ? number : 0;
        if (in_the_hook || strstr(line, "thread not known") != NULL || strstr(line, "cell table full") != NULL) {
            said.nobody_known += number;
        }
    } else if (strncmp(line, "memtrack_peak_error_bytes ", 26) == 0) {
        said.peak_error = number;
    }
}

int said_by_metrics(void *context, const uint8_t *data, size_t size) {
    static char line[160];
    static size_t length;
    (void)context;
    while (size-- > 0) {
        char next = (char)*data++;
        if (next == '\n') {
            line[length] = '\0';
            read_line(line);
            length = 0;
        } else if (length < sizeof line - 1) {
            line[length++] = next;
        }
    }
    return 0;
}
