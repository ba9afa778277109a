/* Loads a library into a namespace of its own, where it has a C library of its own and allocates by that. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    void *library = argc > 1 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : NULL;
    void *block = malloc(700);
    puts(library != NULL ? "loaded" : dlerror());
    free(block);
    return 0;
}
