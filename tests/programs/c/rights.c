/* Says whose rights it runs with, and leaves a block behind. */
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
