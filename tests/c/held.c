/* held CASE LIBRARY: triggers an event of that kind while another thread holds the lock of the dynamic linker, and
 * prints "fine". If the event waits for the lock, the alarm ends the program. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void call(void (*then)(void *), void *with);

static sem_t is_held, is_over;
static void *volatile kept;

static int hold(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)info;
    (void)size;
    (void)unused;
    sem_post(&is_held);
    sem_wait(&is_over);
    return 1;
}

static void *holder(void *unused)
{
    (void)unused;
    dl_iterate_phdr(hold, NULL);
    return NULL;
}

static void keep(void *unused)
{
    (void)unused;
    kept = malloc(100);
}

static void fail(void)
{
    kept = malloc(SIZE_MAX / 4);
}

int main(int count, char **arguments)
{
    const char *what = arguments[1];
    void *library;
    call *function;
    pthread_t thread;

    alarm(20);
    library = count == 3 ? dlopen(arguments[2], RTLD_NOW) : NULL;
    if (library == NULL)
        return 1;
    *(void **)&function = dlsym(library, "first");
    free(malloc(5));
    sem_init(&is_held, 0, 0);
    sem_init(&is_over, 0, 0);
    pthread_create(&thread, NULL, holder, NULL);
    sem_wait(&is_held);

    if (strcmp(what, "failure") == 0) {
        fail();
    } else if (strcmp(what, "peak") == 0) {
        kept = malloc(1 << 20);
    } else if (strcmp(what, "signal") == 0) {
        raise(SIGUSR1);
        free(malloc(5));
    } else if (strcmp(what, "library") == 0) {
        function(keep, NULL);
    } else if (strcmp(what, "exit") == 0) {
        puts("fine");
        exit(0);
    } else if (strcmp(what, "child") == 0) {
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            alarm(20);
            function(keep, NULL);
            fail();
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (status != 0)
            return 2;
    } else {
        return 3;
    }
    sem_post(&is_over);
    pthread_join(thread, NULL);
    puts("fine");
    return 0;
}
