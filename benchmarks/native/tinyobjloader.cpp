/* tinyobjloader behind three C functions that Python calls. */
#define TINYOBJLOADER_IMPLEMENTATION
#include "tiny_obj_loader.h"

#include "moments.h"

extern "C" void *load(const char *path)
{
    auto *reader = new tinyobj::ObjReader;
    reader->ParseFromFile(path);
    return reader;
}

extern "C" void release(void *reader) { delete static_cast<tinyobj::ObjReader *>(reader); }

extern "C" void measure(void *loaded, Moments *m)
{
    const auto *reader = static_cast<tinyobj::ObjReader *>(loaded);
    const float *points = reader->GetAttrib().vertices.data();
    for (int k = 0; k < 3; k++)
        m->origin[k] = points[3 * reader->GetShapes()[0].mesh.indices[0].vertex_index + k];
    for (const auto &shape : reader->GetShapes()) {
        const auto &indices = shape.mesh.indices;
        for (size_t i = 0; i + 2 < indices.size(); i += 3)
            add_triangle(*m, points + 3 * indices[i].vertex_index, points + 3 * indices[i + 1].vertex_index,
                         points + 3 * indices[i + 2].vertex_index);
    }
}
