/*
 * memtrack for C++: every form of operator new and delete goes through memtrack, and stages and tags end with their
 * scope.
 *
 * Include it in exactly one source file of a program, because it defines the operators, which may be defined only once.
 * Other files that want stages and tags write `#define MEMTRACK_NO_OPERATORS` before they include it.
 */
#ifndef MEMTRACK_HPP
#define MEMTRACK_HPP

#include <cstddef>
#include <cstdlib>
#include <new>

#include "memtrack.h"

namespace memtrack {

/** A named span of the whole process, from here to the end of the scope. */
class Stage {
public:
    explicit Stage(const char *name) noexcept : begun_(memtrack_stage_begin(name) == MEMTRACK_OK) {}
    ~Stage() {
        if (begun_) {
            memtrack_stage_end();
        }
    }
    Stage(const Stage &) = delete;
    Stage &operator=(const Stage &) = delete;

private:
    bool begun_;
};

/** A name over this thread's stacks, from here to the end of the scope. */
class Tag {
public:
    explicit Tag(const char *name) noexcept : pushed_(memtrack_tag_begin(name) == MEMTRACK_OK) {}
    ~Tag() {
        if (pushed_) {
            memtrack_tag_end();
        }
    }
    Tag(const Tag &) = delete;
    Tag &operator=(const Tag &) = delete;

private:
    bool pushed_;
};

} // namespace memtrack

#ifndef MEMTRACK_NO_OPERATORS

namespace memtrack {
namespace detail {

/** A block, or null. The standard requires a block even for 0 bytes. */
inline void *try_new(std::size_t size, std::size_t align) noexcept {
    if (size == 0) {
        size = 1;
    }
    return align == 0 ? memtrack_malloc(size) : memtrack_aligned_alloc(align, size);
}

/** A block. Calls the program's new-handler until there is memory; null if there is no handler. */
inline void *new_or_null(std::size_t size, std::size_t align) {
    for (;;) {
        if (void *block = try_new(size, align)) {
            return block;
        }
        std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) {
            return nullptr;
        }
        handler();
    }
}

inline void *must_new(std::size_t size, std::size_t align) {
    if (void *block = new_or_null(size, align)) {
        return block;
    }
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    throw std::bad_alloc();
#else
    std::abort();
#endif
}

/** Like new_or_null, and also null if the program's new-handler gives up. */
inline void *nothrow_new(std::size_t size, std::size_t align) noexcept {
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    try {
        return new_or_null(size, align);
    } catch (...) {
        return nullptr;
    }
#else
    return new_or_null(size, align);
#endif
}

} // namespace detail
} // namespace memtrack

void *operator new(std::size_t size) { return memtrack::detail::must_new(size, 0); }
void *operator new[](std::size_t size) { return memtrack::detail::must_new(size, 0); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept {
    return memtrack::detail::nothrow_new(size, 0);
}
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept {
    return memtrack::detail::nothrow_new(size, 0);
}
void operator delete(void *block) noexcept { memtrack_free(block); }
void operator delete[](void *block) noexcept { memtrack_free(block); }
void operator delete(void *block, const std::nothrow_t &) noexcept { memtrack_free(block); }
void operator delete[](void *block, const std::nothrow_t &) noexcept { memtrack_free(block); }

#if defined(__cpp_sized_deallocation) || __cplusplus >= 201402L
void operator delete(void *block, std::size_t) noexcept { memtrack_free(block); }
void operator delete[](void *block, std::size_t) noexcept { memtrack_free(block); }
#endif

#if defined(__cpp_aligned_new)
void *operator new(std::size_t size, std::align_val_t align) {
    return memtrack::detail::must_new(size, static_cast<std::size_t>(align));
}
void *operator new[](std::size_t size, std::align_val_t align) {
    return memtrack::detail::must_new(size, static_cast<std::size_t>(align));
}
void *operator new(std::size_t size, std::align_val_t align, const std::nothrow_t &) noexcept {
    return memtrack::detail::nothrow_new(size, static_cast<std::size_t>(align));
}
void *operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t &) noexcept {
    return memtrack::detail::nothrow_new(size, static_cast<std::size_t>(align));
}
void operator delete(void *block, std::align_val_t) noexcept { memtrack_free(block); }
void operator delete[](void *block, std::align_val_t) noexcept { memtrack_free(block); }
void operator delete(void *block, std::align_val_t, const std::nothrow_t &) noexcept { memtrack_free(block); }
void operator delete[](void *block, std::align_val_t, const std::nothrow_t &) noexcept { memtrack_free(block); }
void operator delete(void *block, std::size_t, std::align_val_t) noexcept { memtrack_free(block); }
void operator delete[](void *block, std::size_t, std::align_val_t) noexcept { memtrack_free(block); }
#endif

#endif // MEMTRACK_NO_OPERATORS

#endif // MEMTRACK_HPP
