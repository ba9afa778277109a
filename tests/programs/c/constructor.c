/* A library that allocates when it is loaded: the dynamic linker calls it before the program begins. */

#include <stdlib.h>

static void *volatile kept;

__attribute__((constructor)) static void at_loading(void)
{
    for (int i = 0; i < 100; i++)
        kept = malloc(10);
}
