/* A library that is loaded while the program runs: what it calls back for has its frame on the stack. */

void *plugin_call(void *(*make)(void));

void *plugin_call(void *(*make)(void))
{
    void *made = make();
    /* Its frame stays until here. */
    __asm__ volatile("" : : "r"(made) : "memory");
    return made;
}
