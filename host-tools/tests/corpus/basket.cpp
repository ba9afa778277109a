// Functions that another was inlined into, of C++ and of C, and one that no other file can see.
namespace shop {
struct Basket {
    int items;
    __attribute__((noinline)) int fill(int more);
};
__attribute__((noinline)) int weigh(int items) { return items * 31 + 7; }
static inline __attribute__((always_inline)) int twice(int items) { return weigh(items) + weigh(items + 1); }
int Basket::fill(int more) {
    items = twice(more);
    return weigh(items) ^ more;
}
}
extern "C" __attribute__((noinline)) int outer(int more) {
    shop::Basket basket = {0};
    return basket.fill(more) + shop::twice(more);
}
static __attribute__((noinline)) int pack(int more) { return shop::weigh(more + 2) - more; }
extern "C" int basket_main(int more) { return outer(more) + pack(more); }
