/* Allocations below frames of many megabytes: `large_frames MIB`. Both on the main thread and on another one it
 * allocates below an array whose size the compiler knows (100 MiB), and below one whose size it does not know. */
#include <pthread.h>
#include <stdlib.h>

#include "check.h"

#define KNOWN ((size_t)100 << 20)

static void *volatile kept[8];

__attribute__((noinline)) static void keep(int at, size_t size) {
    kept[at] = malloc(size);
    CHECK(kept[at]);
}

__attribute__((noinline)) static int known(int at) {
    volatile char array[KNOWN];
    array[0] = 1;
    array[KNOWN - 1] = 2;
    keep(at, 300);
    return array[0] + array[KNOWN - 1];
}

__attribute__((noinline)) static int unknown(int at, size_t size) {
    volatile char array[size];
    array[0] = 1;
    array[size - 1] = 2;
    keep(at, 700);
    return array[0] + array[size - 1];
}

__attribute__((noinline)) static int outer(int at, size_t size) {
    int sum = known(at) + unknown(at + 1, size);
    CHECK(sum == 6);
    return sum;
}

static void *on_thread(void *size) {
    outer(4, (size_t)size);
    return NULL;
}

int main(int argc, char **argv) {
    size_t size = argc > 1 ? (size_t)atoi(argv[1]) << 20 : 1 << 20;
    /* First an event high on the stack. */
    keep(0, 10);
    outer(1, size);
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(!pthread_attr_init(&attributes));
    CHECK(!pthread_attr_setstacksize(&attributes, (size > KNOWN ? size : KNOWN) + (1 << 20)));
    CHECK(!pthread_create(&thread, &attributes, on_thread, (void *)size));
    CHECK(!pthread_join(thread, NULL));
    return 0;
}
