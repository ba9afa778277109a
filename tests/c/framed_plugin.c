/* A library that is loaded at run time. Its function NAME calls back from a frame of SIZE bytes. */

extern void NAME(void (*then)(void *), void *with);

void NAME(void (*then)(void *), void *with)
{
    char space[SIZE];

    __asm__ volatile("" : : "r"(space) : "memory");
    then(with);
    __asm__ volatile("" : : "r"(space) : "memory");
}
