/* What memtrack_metrics says, for a program that compares it with a count of its own. */
#ifndef SAID_H
#define SAID_H

#include <stddef.h>
#include <stdint.h>

/* Allocations of all threads, and of nobody; events that a cause lost; the error of the peak. */
typedef struct said_figures {
    uint32_t attributed, unattributed, in_the_hook, nobody_known, peak_error;
} said_figures;

extern said_figures said;

/* The function for memtrack_metrics, which fills `said`. */
int said_by_metrics(void *context, const uint8_t *data, size_t size);

#endif
