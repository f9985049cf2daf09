/* rapidobj behind three C functions that Python calls. */
#include "rapidobj/rapidobj.hpp"

#include "moments.h"

extern "C" void *load(const char *path)
{
    auto *found = new rapidobj::Result(rapidobj::ParseFile(path));
    rapidobj::Triangulate(*found);
    return found;
}

extern "C" void release(void *found) { delete static_cast<rapidobj::Result *>(found); }

extern "C" void measure(void *loaded, Moments *m)
{
    const auto *found = static_cast<rapidobj::Result *>(loaded);
    const float *points = found->attributes.positions.data();
    for (int k = 0; k < 3; k++)
        m->origin[k] = points[3 * found->shapes[0].mesh.indices[0].position_index + k];
    for (const auto &shape : found->shapes) {
        const auto &indices = shape.mesh.indices;
        for (size_t i = 0; i + 2 < indices.size(); i += 3)
            add_triangle(*m, points + 3 * indices[i].position_index, points + 3 * indices[i + 1].position_index,
                         points + 3 * indices[i + 2].position_index);
    }
}
