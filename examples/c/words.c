/*
 * Counts the words of its input. The program does not know memtrack.
 *
 * Way (b), the linker redirects malloc to memtrack:
 *
 *   cc -g words.c -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free -L ../../target/release -l:libmemtrack.a -o words
 *   MEMTRACK_DUMP=words.memtrack ./words < words.c
 *
 * Way (c), nothing is rebuilt:
 *
 *   cc -g words.c -o words
 *   memtrack-fold record -o words.memtrack -- ./words < words.c
 *
 * Either way:
 *
 *   memtrack-fold words.memtrack -m peak -o peak.svg
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256

typedef struct word {
    struct word *next;
    size_t count;
    char *text;
} word;

/* Returns the whole input, in a buffer that doubles. */
static char *read_all(FILE *input, size_t *length) {
    size_t room = 64, used = 0, n;
    char *text = malloc(room);
    while (text != NULL && (n = fread(text + used, 1, room - used, input)) > 0) {
        used += n;
        if (used == room) {
            char *larger = realloc(text, room *= 2);
            if (larger == NULL) {
                free(text);
            }
            text = larger;
        }
    }
    *length = used;
    return text;
}

static unsigned bucket_of(const char *text, size_t length) {
    unsigned hash = 0;
    while (length-- > 0) {
        hash = hash * 31 + (unsigned char)*text++;
    }
    return hash % BUCKETS;
}

static void count_word(word **table, const char *text, size_t length) {
    word **at = &table[bucket_of(text, length)];
    while (*at != NULL && (strlen((*at)->text) != length || memcmp((*at)->text, text, length) != 0)) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        word *added = calloc(1, sizeof *added);
        if (added == NULL || (added->text = malloc(length + 1)) == NULL) {
            exit(1);
        }
        memcpy(added->text, text, length);
        added->text[length] = '\0';
        *at = added;
    }
    (*at)->count++;
}

static void free_words(word **table) {
    int i;
    for (i = 0; i < BUCKETS; i++) {
        while (table[i] != NULL) {
            word *next = table[i]->next;
            free(table[i]->text);
            free(table[i]);
            table[i] = next;
        }
    }
    free(table);
}

int main(void) {
    size_t length, at = 0, begin, words = 0, different = 0;
    word **table = calloc(BUCKETS, sizeof *table), *each;
    char *text = read_all(stdin, &length);
    int i;
    if (table == NULL || text == NULL) {
        return 1;
    }
    while (at < length) {
        while (at < length && !isalnum((unsigned char)text[at])) {
            at++;
        }
        for (begin = at; at < length && isalnum((unsigned char)text[at]); at++) {
        }
        if (at > begin) {
            count_word(table, text + begin, at - begin);
            words++;
        }
    }
    free(text);
    for (i = 0; i < BUCKETS; i++) {
        for (each = table[i]; each != NULL; each = each->next) {
            different++;
        }
    }
    printf("%lu words, %lu different\n", (unsigned long)words, (unsigned long)different);
    free_words(table);
    return 0;
}
