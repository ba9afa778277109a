/* Prints its real and effective user, and leaks a block. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  volatile char *kept = malloc(12345);
  if (kept == NULL) return 1;
  kept[0] = 1;
  printf("%d %d\n", (int)getuid(), (int)geteuid());
  return 0;
}
