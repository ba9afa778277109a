/* A library with two blocks: its destructor frees one, its exit handler frees the other. */
#include <stdlib.h>

void use_the_library(void);

static void *cache, *handled;

__attribute__((noinline)) static void *by_the_library(void) { return malloc(4000); }
__attribute__((noinline)) static void *by_its_handler(void) { return malloc(6000); }

static void handler(void) { free(handled); }

__attribute__((constructor)) static void begin(void) {
    cache = by_the_library();
    handled = by_its_handler();
    atexit(handler);
}

__attribute__((destructor)) static void end(void) { free(cache); }

void use_the_library(void) {}
