// Blocks that are freed late: by destructors of statics and thread-locals, by an exit handler, and by the destructor
// of a library.
#include <cstdlib>
#include <vector>

extern "C" void use_the_library();

struct Late {
    void *block = nullptr;
    ~Late() { std::free(block); }
};

static Late of_the_program;
static thread_local Late of_the_thread;
static void *handled;

static void handler() { std::free(handled); }

__attribute__((noinline)) static void *by_a_static() { return std::malloc(1000); }
__attribute__((noinline)) static void *by_a_thread_local() { return std::malloc(2000); }
__attribute__((noinline)) static void *by_a_handler() { return std::malloc(3000); }
__attribute__((noinline)) static void *by_nobody() { return std::malloc(5000); }

int main() {
    use_the_library();
    of_the_program.block = by_a_static();
    of_the_thread.block = by_a_thread_local();
    handled = by_a_handler();
    std::atexit(handler);
    static void *leaked = by_nobody();
    return leaked == nullptr;
}
