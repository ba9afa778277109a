/* A thread without a guard page; right below its stack, in the same mapping, lies the stack of a coroutine. The
 * coroutine allocates until its stacks are remembered. Then the top page of its stack is unmapped, and it runs on the
 * rest, at the same stack pointers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "check.h"

enum { PAGE = 4096, STACK = 256 << 10, BELOW = 64 << 10, ROUNDS = 1000 };

static char *arena;
static ucontext_t thread_context, coroutine_context;
/* The stack pointer of the innermost call, whatever lies above it. */
static uintptr_t wanted;
static void *volatile last;

__attribute__((noinline)) static void leaf(void) {
    last = malloc(40);
    free(last);
}

/* Moves the stack pointer down to exactly the wanted address. */
__attribute__((noinline)) static void down(void) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    volatile char *space = __builtin_alloca(here - wanted);
    space[0] = 0;
    leaf();
    space[0] = 1;
}

static void coroutine(void) {
    down();
}

static void run(char *base, size_t size) {
    CHECK(!getcontext(&coroutine_context));
    coroutine_context.uc_stack.ss_sp = base;
    coroutine_context.uc_stack.ss_size = size;
    coroutine_context.uc_link = &thread_context;
    makecontext(&coroutine_context, coroutine, 0);
    CHECK(!swapcontext(&thread_context, &coroutine_context));
}

static void *thread(void *unused) {
    char *base = arena + STACK - BELOW;
    /* The thread's own events, high on its stack. */
    leaf();
    wanted = (uintptr_t)base + BELOW - 6 * PAGE;
    for (int i = 0; i < ROUNDS; i++) {
        run(base, BELOW);
    }
    CHECK(!munmap(base + BELOW - PAGE, PAGE));
    for (int i = 0; i < ROUNDS; i++) {
        run(base, BELOW - PAGE);
    }
    leaf();
    return unused;
}

int main(void) {
    arena = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(arena != MAP_FAILED);
    pthread_attr_t attributes;
    pthread_t id;
    CHECK(!pthread_attr_init(&attributes));
    CHECK(!pthread_attr_setstack(&attributes, arena + STACK, STACK));
    CHECK(!pthread_create(&id, &attributes, thread, NULL));
    CHECK(!pthread_join(id, NULL));
    return 0;
}
