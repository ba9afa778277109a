/* What the firmware is for: a gateway that collects the readings of its sensors and reports on them. */
#ifndef GATEWAY_H
#define GATEWAY_H

typedef struct gateway gateway;

/* NULL when there is no memory, or a line of `text` is not "sensor value". */
gateway *gateway_read(const char *text);

/* A report, which is the caller's to free. NULL when there is no memory. */
char *gateway_report(gateway *from);

void gateway_free(gateway *all);

#endif
