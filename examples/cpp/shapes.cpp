/*
 * C++: one include of memtrack.hpp puts memtrack below every operator new and delete of the program.
 *
 *   c++ -g -std=c++17 shapes.cpp -I ../../include -L ../../target/release -lmemtrack -o shapes
 *   MEMTRACK_DUMP=shapes.memtrack ./shapes
 *   memtrack-fold shapes.memtrack -m peak -o peak.svg
 */
#include "memtrack.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

struct Square : Shape {
    explicit Square(double side) : side(side), label("square") {}
    double area() const override { return side * side; }
    double side;
    std::string label;
};

/* A type whose alignment malloc alone does not guarantee. */
struct alignas(64) Mesh : Shape {
    double area() const override { return points[0] + points[7]; }
    double points[8] = {1, 2, 3, 4, 5, 6, 7, 8};
};

using Shapes = std::vector<std::unique_ptr<Shape>>;

static Shapes load(int count) {
    memtrack::Stage stage("load");
    Shapes shapes;
    for (int i = 0; i < count; i++) {
        if (i % 4 == 0) {
            shapes.push_back(std::make_unique<Mesh>());
        } else {
            shapes.push_back(std::make_unique<Square>(i));
        }
    }
    return shapes;
}

int main() {
    double sum = 0;
    {
        memtrack::Tag tag("shapes");
        for (const auto &shape : load(1000)) {
            sum += shape->area();
        }
    }
    memtrack_stats_t stats;
    stats.size = sizeof stats;
    if (memtrack_get_stats(&stats) != MEMTRACK_OK) {
        return 1;
    }
    std::printf("area %.0f\n", sum);
    std::printf("live %llu\n", static_cast<unsigned long long>(stats.live_bytes));
    return stats.total_allocs > 1000 ? 0 : 1;
}
