/* Programs that forbid themselves system calls, and continue: `sandbox errno|kill|strict|seccomp|open|probe|thread`.
 * They do not know that a library is preloaded. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Calls that the program itself needs. */
static const int needed[] = { SYS_write, SYS_exit, SYS_exit_group, SYS_brk, SYS_futex };
/* Calls that a dump also needs. */
static const int of_dumps[] = { SYS_openat, SYS_close, SYS_newfstatat };

/* Calls that a thread needs for its first block and at its end. */
static const int of_threads[] = { SYS_mmap, SYS_mprotect, SYS_munmap, SYS_madvise, SYS_rt_sigprocmask };

static struct sock_filter filter[64];
static unsigned short length;

static void allow(const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
}

/* A filter that returns `otherwise` for all other calls. */
static struct sock_fprog program(unsigned otherwise, int dumps, int threads) {
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    allow(needed, sizeof needed / sizeof *needed);
    if (dumps) {
        allow(of_dumps, sizeof of_dumps / sizeof *of_dumps);
    }
    if (threads) {
        allow(of_threads, sizeof of_threads / sizeof *of_threads);
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
    return (struct sock_fprog){ length, filter };
}

/* Ends the program silently when it could not install a filter. */
static void check(int result) {
    if (result != 0) {
        _exit(9);
    }
}

/* Allocates on a stack that grows page by page. */
__attribute__((noinline)) static int deeper(int more) {
    char pad[3000];
    memset(pad, more, sizeof pad);
    int below = more > 0 ? deeper(more - 1) : 0;
    char *block = malloc(100 + (size_t)more);
    int ok = block != NULL;
    free(block);
    return below + ok + pad[7] - more;
}

static int said;

static void *work(void *unused) {
    (void)unused;
    said = deeper(40);
    return NULL;
}

static pthread_barrier_t begun, sealed;

static void *later(void *unused) {
    pthread_barrier_wait(&begun);
    pthread_barrier_wait(&sealed);
    return work(unused);
}

int main(int count, char **arguments) {
    const char *how = count > 1 ? arguments[1] : "";
    static char *kept;
    kept = malloc(12345);
    free(malloc(100));
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (!strcmp(how, "probe")) {
        /* Programs do this to find out whether filters are supported: the call fails and changes nothing. */
        int refused = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0);
        int as = errno;
        int all = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (void *)8);
        printf("%d %d %d %d\n", refused, as == EFAULT, all, errno == EFAULT);
        work(NULL);
    } else if (!strcmp(how, "thread")) {
        /* A thread without an event until now, which ends under the filter of all threads. */
        pthread_t thread;
        pthread_barrier_init(&begun, NULL, 2);
        pthread_barrier_init(&sealed, NULL, 2);
        check(pthread_create(&thread, NULL, later, NULL));
        pthread_barrier_wait(&begun);
        struct sock_fprog strict = program(SECCOMP_RET_KILL_PROCESS, 0, 1);
        check((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &strict));
        pthread_barrier_wait(&sealed);
        pthread_join(thread, NULL);
    } else {
        struct sock_fprog kill = program(SECCOMP_RET_KILL_PROCESS, !strcmp(how, "open"), 0);
        struct sock_fprog refuse = kill;
        if (!strcmp(how, "errno")) {
            filter[length - 1].k = SECCOMP_RET_ERRNO | EPERM;
            check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &refuse, 0, 0));
        } else if (!strcmp(how, "strict")) {
            check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
        } else if (!strcmp(how, "seccomp")) {
            check((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &kill));
        } else {
            check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &kill, 0, 0));
        }
        work(NULL);
    }
    char line[64];
    int size = snprintf(line, sizeof line, "%d of 41\n", said);
    if (write(1, line, (size_t)size) != size || kept == NULL) {
        _exit(8);
    }
    if (!strcmp(how, "strict")) {
        syscall(SYS_exit, 0);
    }
    exit(3);
}
