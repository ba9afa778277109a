/*
 * W2: parses a JSON document into a tree of blocks, writes it out again and frees the tree, many times.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct value {
    enum { NUMBER, STRING, ARRAY, OBJECT } kind;
    double number;
    char *string;
    struct value **items;
    char **keys;
    size_t count, room;
} value;

static const char *at;

static value *parse(void);

static void *taken(void *block) {
    if (block == NULL) {
        exit(1);
    }
    return block;
}

static char *parse_string(void) {
    const char *begin = ++at;
    while (*at != '"') {
        at++;
    }
    char *text = taken(malloc((size_t)(at - begin) + 1));
    memcpy(text, begin, (size_t)(at - begin));
    text[at++ - begin] = '\0';
    return text;
}

static void add(value *to, char *key, value *item) {
    if (to->count == to->room) {
        to->room = to->room == 0 ? 4 : 2 * to->room;
        to->items = taken(realloc(to->items, to->room * sizeof *to->items));
        to->keys = taken(realloc(to->keys, to->room * sizeof *to->keys));
    }
    to->keys[to->count] = key;
    to->items[to->count++] = item;
}

static void parse_items(value *into, char end) {
    at++;
    while (*at != end) {
        char *key = NULL;
        if (end == '}') {
            key = parse_string();
            at++;
        }
        add(into, key, parse());
        if (*at == ',') {
            at++;
        }
    }
    at++;
}

static value *parse(void) {
    value *v = taken(calloc(1, sizeof *v));
    if (*at == '{') {
        v->kind = OBJECT;
        parse_items(v, '}');
    } else if (*at == '[') {
        v->kind = ARRAY;
        parse_items(v, ']');
    } else if (*at == '"') {
        v->kind = STRING;
        v->string = parse_string();
    } else {
        char *end;
        v->kind = NUMBER;
        v->number = strtod(at, &end);
        at = end;
    }
    return v;
}

static char *text;
static size_t length, room;

static void put(const char *bytes, size_t n) {
    if (length + n > room) {
        room = 2 * (length + n);
        text = taken(realloc(text, room));
    }
    memcpy(text + length, bytes, n);
    length += n;
}

static void write_value(const value *v) {
    char number[32];
    switch (v->kind) {
    case NUMBER:
        put(number, (size_t)snprintf(number, sizeof number, "%.17g", v->number));
        break;
    case STRING:
        put("\"", 1);
        put(v->string, strlen(v->string));
        put("\"", 1);
        break;
    default:
        put(v->kind == OBJECT ? "{" : "[", 1);
        for (size_t i = 0; i < v->count; i++) {
            if (i > 0) {
                put(",", 1);
            }
            if (v->kind == OBJECT) {
                put("\"", 1);
                put(v->keys[i], strlen(v->keys[i]));
                put("\":", 2);
            }
            write_value(v->items[i]);
        }
        put(v->kind == OBJECT ? "}" : "]", 1);
    }
}

static void free_value(value *v) {
    for (size_t i = 0; i < v->count; i++) {
        free(v->keys[i]);
        free_value(v->items[i]);
    }
    free(v->items);
    free(v->keys);
    free(v->string);
    free(v);
}

int main(int argc, char **argv) {
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    char record[256];
    put("[", 1);
    for (int i = 0; i < 20000; i++) {
        int n = snprintf(record, sizeof record,
                         "%s{\"id\":%d,\"name\":\"name of %d\",\"tags\":[\"a\",\"bb\",\"ccc\"],\"at\":{\"x\":%d.5,\"y\":-%d}}",
                         i == 0 ? "" : ",", i, i % 997, i, i);
        put(record, (size_t)n);
    }
    put("]", 2);
    char *document = text;
    size_t size = length - 1;
    text = NULL;
    for (unsigned long i = 0; i < rounds; i++) {
        at = document;
        value *v = parse();
        length = room = 0;
        write_value(v);
        if (length != size || memcmp(text, document, size) != 0) {
            return 1;
        }
        free(text);
        text = NULL;
        free_value(v);
    }
    free(document);
    return 0;
}
