/* The checks of these programs: the first condition that is false ends the program and prints its line. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(so)                                                                                                      \
    do {                                                                                                               \
        if (!(so)) {                                                                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #so);                                           \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
