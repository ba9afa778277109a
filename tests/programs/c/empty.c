/* Allocates nothing: what a tool tells of it is the tool's own. */
int main(void) { return 0; }
