/* The work of the firmware: a gateway that collects the readings of its sensors and reports on them. */
#ifndef GATEWAY_H
#define GATEWAY_H

typedef struct gateway gateway;

/* Returns NULL if there is no memory, or if a line of `text` is not "sensor value". */
gateway *gateway_read(const char *text);

/* Returns a report, which the caller frees. Returns NULL if there is no memory. */
char *gateway_report(gateway *from);

void gateway_free(gateway *all);

#endif
