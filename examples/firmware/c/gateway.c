/*
 * This file does not know memtrack: it calls malloc. The program that it is linked into decides how these calls are
 * tracked.
 */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sensor {
    struct sensor *next;
    char *name;
    int *readings;
    size_t count, room;
} sensor;

struct gateway {
    sensor *sensors;
    size_t count;
};

static char *copy(const char *text, size_t length) {
    char *copied = malloc(length + 1);
    if (copied != NULL) {
        memcpy(copied, text, length);
        copied[length] = '\0';
    }
    return copied;
}

static sensor *find_sensor(gateway *in, const char *name, size_t length) {
    sensor *each;
    for (each = in->sensors; each != NULL; each = each->next) {
        if (strlen(each->name) == length && memcmp(each->name, name, length) == 0) {
            return each;
        }
    }
    each = calloc(1, sizeof *each);
    if (each == NULL || (each->name = copy(name, length)) == NULL) {
        free(each);
        return NULL;
    }
    each->next = in->sensors;
    in->sensors = each;
    in->count++;
    return each;
}

static int add_reading(sensor *to, int value) {
    if (to->count == to->room) {
        size_t room = to->room == 0 ? 4 : 2 * to->room;
        int *larger = realloc(to->readings, room * sizeof *larger);
        if (larger == NULL) {
            return -1;
        }
        to->readings = larger;
        to->room = room;
    }
    to->readings[to->count++] = value;
    return 0;
}

static int read_line(gateway *into, const char *line, size_t length) {
    const char *space = memchr(line, ' ', length);
    sensor *of = space == NULL ? NULL : find_sensor(into, line, (size_t)(space - line));
    return of == NULL ? -1 : add_reading(of, atoi(space + 1));
}

gateway *gateway_read(const char *text) {
    gateway *all = calloc(1, sizeof *all);
    while (all != NULL && *text != '\0') {
        size_t length = strcspn(text, "\n");
        if (read_line(all, text, length) != 0) {
            gateway_free(all);
            return NULL;
        }
        text += length + (text[length] == '\n');
    }
    return all;
}

static int ascending(const void *one, const void *other) {
    return *(const int *)one - *(const int *)other;
}

/* The middle value, from a sorted copy. */
static int median(const sensor *of) {
    int *sorted = malloc(of->count * sizeof *sorted), middle;
    if (sorted == NULL) {
        return 0;
    }
    memcpy(sorted, of->readings, of->count * sizeof *sorted);
    qsort(sorted, of->count, sizeof *sorted, ascending);
    middle = sorted[of->count / 2];
    free(sorted);
    return middle;
}

char *gateway_report(gateway *from) {
    enum { LINE = 40 };
    size_t room = from->count * LINE + 1, used = 0;
    char *text = calloc(1, room);
    sensor *each;
    for (each = from->sensors; text != NULL && each != NULL; each = each->next) {
        used += (size_t)snprintf(text + used, room - used, "%.16s: %u readings, median %d\n", each->name,
                                 (unsigned)each->count, median(each));
    }
    return text;
}

void gateway_free(gateway *all) {
    while (all != NULL && all->sensors != NULL) {
        sensor *next = all->sensors->next;
        free(all->sensors->name);
        free(all->sensors->readings);
        free(all->sensors);
        all->sensors = next;
    }
    free(all);
}
