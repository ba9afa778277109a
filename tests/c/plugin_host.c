/*
 * Loads a library that contains a tracker, calls it, and closes it. Then it does everything that calls into the
 * tracker: it ends a thread that used it, raises a signal, forks, waits, loads the library again, and exits.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long (*work)(size_t);

static pthread_barrier_t used, closed;

static work load(const char *path, void **library) {
    work found;
    void *symbol;
    *library = dlopen(path, RTLD_NOW);
    if (*library == NULL || (symbol = dlsym(*library, "plugin_work")) == NULL) {
        puts(dlerror());
        _exit(2);
    }
    memcpy(&found, &symbol, sizeof found);
    return found;
}

static void *worker(void *plugin) {
    (*(work *)plugin)(1000);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&closed);
    return NULL;
}

int main(int argc, char **argv) {
    const char *what = argc > 2 ? argv[2] : "";
    void *library;
    work plugin = load(argv[1], &library);
    unsigned long long seen = plugin(1000);
    pthread_t thread;
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    pthread_create(&thread, NULL, worker, &plugin);
    pthread_barrier_wait(&used);
    if (dlclose(library) != 0) {
        return 3;
    }
    pthread_barrier_wait(&closed);
    pthread_join(thread, NULL);
    if (strcmp(what, "signal") == 0) {
        raise(SIGUSR1);
    } else if (strcmp(what, "fork") == 0) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        if (waitpid(child, &status, 0) != child || status != 0) {
            return 4;
        }
    } else if (strcmp(what, "wait") == 0) {
        const struct timespec pause = {0, 300000000};
        nanosleep(&pause, NULL);
    }
    plugin = load(argv[1], &library);
    printf("%d\n", plugin(10) > seen + 1);
    return dlclose(library);
}
