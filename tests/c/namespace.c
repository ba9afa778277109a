/* Loads a library into a link namespace of its own, with a second C library whose allocator it uses. */
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
