/* fast_obj behind three C functions that Python calls. */
#define FAST_OBJ_IMPLEMENTATION
#include "fast_obj.h"

#include "moments.h"

extern "C" void *load(const char *path) { return fast_obj_read(path); }

extern "C" void release(void *mesh) { fast_obj_destroy(static_cast<fastObjMesh *>(mesh)); }

extern "C" void measure(void *loaded, Moments *m)
{
    const fastObjMesh *mesh = static_cast<fastObjMesh *>(loaded);
    const float *points = mesh->positions;
    for (int k = 0; k < 3; k++)
        m->origin[k] = points[3 * mesh->indices[0].p + k];
    size_t at = 0;
    for (size_t face = 0; face < mesh->face_count; face++) {
        for (unsigned k = 2; k < mesh->face_vertices[face]; k++)
            add_triangle(*m, points + 3 * mesh->indices[at].p, points + 3 * mesh->indices[at + k - 1].p,
                         points + 3 * mesh->indices[at + k].p);
        at += mesh->face_vertices[face];
    }
}
