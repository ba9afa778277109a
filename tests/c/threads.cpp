// Threads that allocate until their very end, in destructors of thread-local variables of C++ and of C, and blocks
// that another thread frees.
#include <pthread.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

static pthread_key_t key;
static std::atomic<int> ended{0};

// Allocates again while the thread's variables are destroyed, for several rounds.
extern "C" void destroy(void *value) {
    static thread_local int rounds = 0;
    free(value);
    if (++rounds < 3) {
        pthread_setspecific(key, malloc(100));
    } else {
        ended++;
    }
}

struct Late {
    std::vector<std::string> kept;
    ~Late() {
        kept.push_back(std::string(200, 'y'));
        std::vector<std::string>().swap(kept);
    }
};

static thread_local Late late;

extern "C" void work(std::vector<void *> *handed_over) {
    pthread_setspecific(key, malloc(100));
    late.kept.push_back(std::string(300, 'x'));
    for (int i = 0; i < 200; i++) {
        void *volatile block = malloc(i);
        free(block);
    }
    for (void *&block : *handed_over) {
        block = malloc(50);
    }
}

int main() {
    CHECK(pthread_key_create(&key, destroy) == 0);
    for (int round = 0; round < 50; round++) {
        std::vector<std::vector<void *>> handed_over(8, std::vector<void *>(20));
        std::vector<std::thread> threads;
        for (auto &blocks : handed_over) {
            threads.emplace_back(work, &blocks);
        }
        for (auto &thread : threads) {
            thread.join();
        }
        for (auto &blocks : handed_over) {
            for (void *block : blocks) {
                free(block);
            }
        }
    }
    CHECK(ended == 400);
    std::puts("all well");
    return 0;
}
