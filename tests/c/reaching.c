/* Input for the call graph: `direct` calls a function of the dynamic linker, `indirect` calls it through a table,
 * `neither` does not call it, although it is linked beside them. */

#include <dlfcn.h>

int direct(const char *name);
int indirect(const char *name);
int neither(const char *name);

static __attribute__((noinline)) int find(const char *name)
{
    return dlsym(RTLD_DEFAULT, name) != 0;
}

static __attribute__((noinline)) int measure(const char *name)
{
    return name[0] != 0;
}

static int (*const volatile finds[])(const char *) = {find};
static int (*const volatile measures[])(const char *) = {measure};

int direct(const char *name)
{
    return find(name);
}

int indirect(const char *name)
{
    return finds[0](name);
}

int neither(const char *name)
{
    return measures[0](name);
}
