/* Area and moments of triangles as a careful C program adds them: float64, about the first corner. */
#include <cmath>
#include <cstddef>

struct Moments {
    double area, volume, first[3], second[6]; /* second: xx yy zz xy yz zx, about the origin below */
    double origin[3];
};

static void add_triangle(Moments &m, const float *p, const float *q, const float *r)
{
    double a[3], b[3], c[3], u[3], w[3], s[3];
    for (int k = 0; k < 3; k++) {
        a[k] = p[k] - m.origin[k];
        b[k] = q[k] - m.origin[k];
        c[k] = r[k] - m.origin[k];
        u[k] = b[k] - a[k];
        w[k] = c[k] - a[k];
        s[k] = a[k] + b[k] + c[k];
    }
    const double x = u[1] * w[2] - u[2] * w[1], y = u[2] * w[0] - u[0] * w[2], z = u[0] * w[1] - u[1] * w[0];
    const double d = a[0] * x + a[1] * y + a[2] * z;
    m.area += std::sqrt(x * x + y * y + z * z) / 2;
    m.volume += d / 6;
    static const int left[6] = {0, 1, 2, 0, 1, 2}, right[6] = {0, 1, 2, 1, 2, 0};
    for (int k = 0; k < 3; k++)
        m.first[k] += d * s[k] / 24;
    for (int k = 0; k < 6; k++) {
        const int i = left[k], j = right[k];
        m.second[k] += d * (s[i] * s[j] + a[i] * a[j] + b[i] * b[j] + c[i] * c[j]) / 120;
    }
}
