/*
 * The C library's function, for a C library that its builder has compiled without unwind tables and without frame pointers.
 * Two of its functions are on the stack while it compares: one that calls itself, and one that has a large frame.
 */
#include <stddef.h>

typedef int compare_t(const void *, const void *);

__attribute__((noinline)) static int is_less(const char *a, const char *b, size_t size, compare_t *compare)
{
	char copy[600];
	for (size_t i = 0; i < size && i < sizeof copy; i++)
		copy[i] = a[i];
	return compare(size <= sizeof copy ? copy : a, b) < 0;
}

static void swap(char *a, char *b, size_t size)
{
	for (; size; size--, a++, b++) {
		char byte = *a;
		*a = *b;
		*b = byte;
	}
}

void qsort(void *base, size_t count, size_t size, compare_t *compare)
{
	char *first = base, *middle = first;
	if (count < 2)
		return;
	for (char *next = first + size; next < first + count * size; next += size)
		if (is_less(next, first, size, compare))
			swap(middle += size, next, size);
	swap(first, middle, size);
	size_t less = (middle - first) / size;
	qsort(first, less, size, compare);
	qsort(middle + size, count - less - 1, size, compare);
}
