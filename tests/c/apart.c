/* apart LIBRARY: loads the library into a link namespace of its own, which other code does not see, and allocates 30
 * blocks under its function. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

typedef void call(void (*then)(void *), void *with);

static void *volatile kept;

static void keep(void *unused)
{
    (void)unused;
    kept = malloc(100);
}

int main(int count, char **arguments)
{
    void *library = count == 2 ? dlmopen(LM_ID_NEWLM, arguments[1], RTLD_NOW) : NULL;
    call *function;

    if (library == NULL)
        return 1;
    *(void **)&function = dlsym(library, "first");
    for (int i = 0; i < 30; i++)
        function(keep, NULL);
    return 0;
}
