/* A daemon: it closes all descriptors that it did not open, and opens a file of its own. Then it loads a library,
 * starts and joins threads, and forks. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *from_the_program(void) { return malloc(54321); }

static void *thread(void *argument) {
  free(malloc(10));
  return argument;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  for (int descriptor = 3; descriptor < 1024; descriptor++) close(descriptor);
  int database = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (database != 3 || write(database, "precious\n", 9) != 9) return 3;
  void *library = dlopen(arguments[2], RTLD_NOW);
  if (library == NULL) return 4;
  void *(*plugin)(void *(*)(void));
  /* ISO C has no other way to convert an object pointer to a function pointer. */
  *(void **)&plugin = dlsym(library, "plugin_call");
  void *volatile kept = plugin(from_the_program);
  for (int i = 0; i < 4; i++) {
    pthread_t started;
    if (pthread_create(&started, NULL, thread, NULL) != 0 || pthread_join(started, NULL) != 0) return 5;
  }
  pid_t child = fork();
  if (child == 0) {
    void *volatile of_the_child = malloc(7777);
    _exit(of_the_child == NULL);
  }
  int status = 1;
  if (waitpid(child, &status, 0) != child || status != 0) return 6;
  /* Programs that inherit the environment. */
  if (system("true") != 0) return 7;
  printf("%d\n", (int)child);
  fflush(stdout);
  return kept == NULL;
}
