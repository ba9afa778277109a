/* Stacks whose layout is only known at run time, and stacks that are left without a return. The suite knows the
 * number of allocations under each chain. */
#include <alloca.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))
#define ROUNDS 700

static jmp_buf home;
static volatile int is_jumping = 1;
static void *volatile kept;

/* The call is not the last instruction, so the caller's frame stays. */
static NOINLINE void leaf(size_t size)
{
    kept = malloc(size);
    free(kept);
    __asm__ volatile("" ::: "memory");
}

/* A frame of a different size each time. */
static NOINLINE void dynamic(int n)
{
    char *volatile buffer = alloca((size_t)n * 40 + 1);
    buffer[0] = (char)n;
    leaf(11);
    buffer[0]++;
}

/* Frames whose sizes depend on the depth; each is larger than those it calls. */
static NOINLINE void nested(int depth)
{
    volatile char buffer[depth * 24 + 8];
    buffer[depth] = (char)depth;
    if (depth > 0)
        nested(depth - 1);
    else
        leaf(13);
    buffer[depth]++;
}

/* Frames aligned to more than a machine word. */
static NOINLINE void aligned(int depth)
{
    _Alignas(64) volatile char buffer[64 * 3];
    buffer[depth] = 1;
    if (depth > 0)
        aligned(depth - 1);
    else
        leaf(17);
    buffer[depth]++;
}

/* The deepest call leaves by a jump. */
static NOINLINE void jump(int depth)
{
    volatile int more = depth;
    if (more > 0)
        jump(more - 1);
    else {
        leaf(19);
        if (is_jumping)
            longjmp(home, 1);
    }
    more++;
}

static NOINLINE void after(void)
{
    leaf(23);
    __asm__ volatile("" ::: "memory");
}

/* Alternates with `after` at the same depth: only the caller's word on the stack differs. */
static NOINLINE void also(void)
{
    leaf(29);
    __asm__ volatile("" ::: "memory");
}

static int compare(const void *a, const void *b)
{
    leaf(31);
    return *(const int *)a - *(const int *)b;
}

int main(void)
{
    for (volatile int round = 0; round < ROUNDS; round++) {
        dynamic(round % 50);
        nested(round % 5);
        aligned(round % 3);
        if (setjmp(home) == 0)
            jump(round % 7);
        after();
        also();
        int numbers[2] = {round % 2, 1};
        qsort(numbers, 2, sizeof numbers[0], compare);
    }
    return 0;
}
