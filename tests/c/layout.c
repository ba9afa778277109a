/* Allocates ten blocks under three functions. */

#include <stdlib.h>

static void *volatile kept;

__attribute__((noinline)) static void third(int size)
{
    kept = malloc((size_t)size);
}

__attribute__((noinline)) static void second(int size)
{
    third(size);
    __asm__ volatile("");
}

__attribute__((noinline)) static void first(int size)
{
    second(size);
    __asm__ volatile("");
}

int main(void)
{
    for (int i = 0; i < 10; i++)
        first(1000 + i);
    return 0;
}
