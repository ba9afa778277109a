/* Calls the allocation functions by pointers. In a program at a fixed address, such a pointer holds an address inside
 * the program. */
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
