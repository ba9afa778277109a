/* A library that is loaded at run time. Its function calls back, with its own frame on the stack. */

void *plugin_call(void *(*make)(void));

void *plugin_call(void *(*make)(void))
{
    void *made = make();
    /* Keeps the frame until here. */
    __asm__ volatile("" : : "r"(made) : "memory");
    return made;
}
