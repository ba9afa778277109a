/* plugins FILE FUNCTION COUNT …: loads each library in turn, keeps COUNT blocks of 100 bytes that are allocated under
 * its function, and unloads it. Prints the addresses of the functions. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef void call(void (*then)(void *), void *with);

static void *kept;

static void keep(void *unused)
{
    void **block = malloc(100);

    (void)unused;
    *block = kept;
    kept = block;
}

int main(int count, char **arguments)
{
    for (int i = 1; i + 2 < count; i += 3) {
        void *library = dlopen(arguments[i], RTLD_NOW);
        call *function;

        if (library == NULL)
            return 1;
        *(void **)&function = dlsym(library, arguments[i + 1]);
        if (function == NULL)
            return 2;
        printf("place %lld\n", (long long)function);
        for (int n = atoi(arguments[i + 2]); n > 0; n--)
            function(keep, NULL);
        if (dlclose(library) != 0)
            return 3;
    }
    return 0;
}
