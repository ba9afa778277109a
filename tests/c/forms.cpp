// Every form of operator new and delete, in a program that may be linked with an allocator that defines them too.
#include <cstdio>
#include <cstdint>
#include <cstring>
#include <new>

static const std::align_val_t WIDE{256};
static bool sound = true;

static void *checked(void *block, std::size_t size, std::size_t align) {
    sound = sound && block != nullptr && reinterpret_cast<std::uintptr_t>(block) % align == 0;
    return std::memset(block, 7, size);
}

__attribute__((noinline)) static void single() {
    ::operator delete(checked(::operator new(100), 100, 16));
    ::operator delete(checked(::operator new(100), 100, 16), std::size_t(100));
    ::operator delete(checked(::operator new(100, std::nothrow), 100, 16), std::nothrow);
    ::operator delete(checked(::operator new(100, WIDE), 100, 256), WIDE);
    ::operator delete(checked(::operator new(100, WIDE), 100, 256), std::size_t(100), WIDE);
    ::operator delete(checked(::operator new(100, WIDE, std::nothrow), 100, 256), WIDE, std::nothrow);
}

__attribute__((noinline)) static void array() {
    ::operator delete[](checked(::operator new[](200), 200, 16));
    ::operator delete[](checked(::operator new[](200), 200, 16), std::size_t(200));
    ::operator delete[](checked(::operator new[](200, std::nothrow), 200, 16), std::nothrow);
    ::operator delete[](checked(::operator new[](200, WIDE), 200, 256), WIDE);
    ::operator delete[](checked(::operator new[](200, WIDE), 200, 256), std::size_t(200), WIDE);
    ::operator delete[](checked(::operator new[](200, WIDE, std::nothrow), 200, 256), WIDE, std::nothrow);
}

__attribute__((noinline)) static void keep() {
    for (int i = 0; i < 10; i++) {
        checked(::operator new(300), 300, 16);
    }
}

static int asked = 0;

static void give_up() {
    asked++;
    std::set_new_handler(nullptr);
}

// When memory is short, operator new calls the handler and then throws, as without the library.
static bool refuses() {
    std::set_new_handler(give_up);
    try {
        volatile std::size_t huge = std::size_t(1) << 62;
        checked(::operator new(huge), 1, 1);
    } catch (const std::bad_alloc &) {
        return asked == 1;
    }
    return false;
}

int main(int argc, char **) {
    for (int i = 0; i < 100; i++) {
        single();
        array();
    }
    keep();
    const bool refused = argc < 2 || refuses();
    std::printf("%d %d\n", sound, refused);
}
