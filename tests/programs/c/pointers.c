/* Allocates and frees by pointers to the functions, which a program at a fixed place has as addresses of its own. */
#include <stdlib.h>

int main(void) {
    void *(*volatile allocate)(size_t) = malloc;
    void *(*volatile resize)(void *, size_t) = realloc;
    void (*volatile release)(void *) = free;
    int i;
    for (i = 0; i < 100; i++) {
        release(resize(allocate(100), 200));
    }
    return 0;
}
