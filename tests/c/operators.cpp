// Every form of operator new and delete: each is counted once, is aligned as requested, and leaves nothing behind.
#include "memtrack.hpp"

#include <cstdint>

#include "check.h"

struct Small {
    char bytes[24];
};

struct alignas(256) Wide {
    char bytes[256];
};

static memtrack_stats_t stats() {
    memtrack_stats_t now;
    now.size = sizeof now;
    CHECK(memtrack_get_stats(&now) == MEMTRACK_OK);
    return now;
}

// Allocates and frees one block, and checks the figures before, between and after.
template <class Allocate, class Free>
static void form(std::size_t size, std::size_t align, Allocate allocate, Free free) {
    const memtrack_stats_t before = stats();
    void *block = allocate();
    CHECK(block != nullptr && reinterpret_cast<std::uintptr_t>(block) % align == 0);
    const memtrack_stats_t held = stats();
    CHECK(held.total_allocs == before.total_allocs + 1 && held.live_bytes == before.live_bytes + size);
    free(block);
    const memtrack_stats_t after = stats();
    CHECK(after.total_frees == before.total_frees + 1 && after.live_bytes == before.live_bytes);
}

static int asked = 0;

static void give_up() {
    asked++;
    std::set_new_handler(nullptr);
}

int main() {
    const std::nothrow_t &nothrow = std::nothrow;
    form(24, 16, [&] { return ::operator new(24); }, [&](void *p) { ::operator delete(p); });
    form(24, 16, [&] { return ::operator new[](24); }, [&](void *p) { ::operator delete[](p); });
    form(24, 16, [&] { return ::operator new(24, nothrow); }, [&](void *p) { ::operator delete(p, nothrow); });
    form(24, 16, [&] { return ::operator new[](24, nothrow); }, [&](void *p) { ::operator delete[](p, nothrow); });
    form(1, 1, [&] { return ::operator new(0); }, [&](void *p) { ::operator delete(p); });
#if __cplusplus >= 201402L
    form(24, 16, [&] { return ::operator new(24); }, [&](void *p) { ::operator delete(p, std::size_t(24)); });
    form(24, 16, [&] { return ::operator new[](24); }, [&](void *p) { ::operator delete[](p, std::size_t(24)); });
#endif
#if defined(__cpp_aligned_new)
    const std::align_val_t align{256};
    form(300, 256, [&] { return ::operator new(300, align); }, [&](void *p) { ::operator delete(p, align); });
    form(300, 256, [&] { return ::operator new[](300, align); }, [&](void *p) { ::operator delete[](p, align); });
    form(300, 256, [&] { return ::operator new(300, align, nothrow); },
         [&](void *p) { ::operator delete(p, align, nothrow); });
    form(300, 256, [&] { return ::operator new[](300, align, nothrow); },
         [&](void *p) { ::operator delete[](p, align, nothrow); });
    form(300, 256, [&] { return ::operator new(300, align); },
         [&](void *p) { ::operator delete(p, std::size_t(300), align); });
    form(300, 256, [&] { return ::operator new[](300, align); },
         [&](void *p) { ::operator delete[](p, std::size_t(300), align); });
    form(sizeof(Wide), 256, [] { return new Wide; }, [](void *p) { delete static_cast<Wide *>(p); });
#endif
    form(sizeof(Small), 8, [] { return new Small; }, [](void *p) { delete static_cast<Small *>(p); });
    form(10 * sizeof(Small), 8, [] { return new Small[10]; }, [](void *p) { delete[] static_cast<Small *>(p); });

    volatile std::size_t huge = SIZE_MAX / 2 + 1;
    std::set_new_handler(give_up);
    CHECK(::operator new(huge, nothrow) == nullptr && asked == 1);
    bool thrown = false;
    try {
        ::operator delete(::operator new(huge));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    CHECK(thrown);
    {
        memtrack::Stage stage("scope");
        memtrack::Tag tag("scope");
    }
    CHECK(memtrack_stage_end() == MEMTRACK_ERROR_NONE && memtrack_tag_end() == MEMTRACK_ERROR_NONE);
    return 0;
}
