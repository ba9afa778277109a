/* A library that allocates in its constructor, which the dynamic linker calls before `main`. */

#include <stdlib.h>

static void *volatile kept;

__attribute__((constructor)) static void at_loading(void)
{
    for (int i = 0; i < 100; i++)
        kept = malloc(10);
}
