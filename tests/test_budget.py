"""What is too rough to be integrated exactly ends soon all the same, and says how far off it may be."""

import time

import numpy as np
import pytest
from solids_by_hand import SOLIDS, Builder, twin

from massproof import exact
from massproof.exact import integrate
from massproof.kernels import faces, jit
from massproof.sweeps import Net

INTERPRETED = pytest.mark.skipif(not jit.DISABLED, reason="constants are compiled into the code")


def rough(columns, rows, degree, ripple, points, noise):
    """One face on a spline with random control points, whose edges are random too: near to it, and never quite on it."""
    random, build = np.random.default_rng(2), Builder()
    net = np.ones((columns, rows, 4))
    net[..., :2] = np.moveaxis(np.indices((columns, rows)), 0, 2) / (columns - 1, rows - 1)
    net[..., 2] = ripple * random.normal(size=(columns, rows))
    surface = build.spline_surface(
        Net(net, (degree, degree), (uniform(columns, degree), uniform(rows, degree)))
    )
    sides = [net[:, 0], net[-1], net[::-1, -1], net[0, ::-1]]
    loop = []
    for side in sides:
        at = np.linspace(0, len(side) - 1, points)
        line = np.stack([np.interp(at, np.arange(len(side)), side[:, k]) for k in range(4)], axis=1)
        line[1:-1, :3] += noise * random.normal(size=(points - 2, 3))
        curve = build.spline_curve(Net(line, (2,), (uniform(points, 2),)))
        loop.append(build.edge(curve, line[0, :3], line[-1, :3]))
    build.shell([build.face(surface, loop)])
    return build.shapes()


def uniform(points, degree):
    return np.concatenate([np.zeros(degree), np.linspace(0, 1, points - degree + 1), np.ones(degree)])


@pytest.mark.skipif(jit.DISABLED, reason="work is counted in what compiled code takes")
def test_a_hostile_face_takes_seconds_and_not_minutes():
    """It took more than one minute: every panel was halved twelve times, in four rounds."""
    shapes = rough(60, 5, 1, 0.3, 60, 1e-6)
    begin = time.process_time()
    (part,) = integrate(shapes)

    assert time.process_time() - begin < 10
    assert part.errors["integration"].area > 1e-3 * part.area


@INTERPRETED
@pytest.mark.parametrize("name", ["sphere", "frustum", "torus"])
def test_the_error_of_faces_that_are_given_up_holds_the_truth(monkeypatch, name):
    """As if nothing could be halved: less accurate, and it says so."""
    shapes, truth = SOLIDS[name]()
    shapes = twin(shapes)
    monkeypatch.setattr(exact, "_ROUNDS", 0)
    (full,) = integrate(shapes)
    monkeypatch.setattr(faces, "_FREE", -1.0)
    monkeypatch.setattr(faces, "_TIMES", 0.0)
    (part,) = integrate(shapes)

    error, before = part.errors["integration"], full.errors["integration"]
    assert error.area > before.area and error.volume > before.volume
    assert abs(part.area - truth.area) <= error.area
    assert abs(part.body.mass - truth.volume) <= error.volume


@INTERPRETED
def test_a_face_that_is_given_up_is_not_integrated_again(monkeypatch):
    monkeypatch.setattr(faces, "_FREE", -1.0)
    monkeypatch.setattr(faces, "_TIMES", 0.0)
    shapes = twin(SOLIDS["box"]()[0])
    integrals, run = [], exact._Integrals.run

    def watched(self, chosen):
        run(self, chosen)
        integrals.append((self, self.fields.copy()))

    monkeypatch.setattr(exact._Integrals, "run", watched)
    monkeypatch.setattr(exact, "_inaccurate", lambda *_: np.arange(6))
    integrate(shapes)

    assert len(integrals) == 4 and all((fields == integrals[0][1]).all() for _, fields in integrals)
    assert (integrals[0][0].outcomes[:, 1] & faces.SPENT).all()


@INTERPRETED
def test_a_face_that_is_too_much_work_is_left_to_another_engine(monkeypatch):
    monkeypatch.setattr(faces, "_MOST", 1e3)
    (part,) = integrate(twin(SOLIDS["sphere"]()[0]))

    assert part.body is None
    assert part.unsupported and f"{len(part.unsupported)} of {part.faces} faces" in part.absent
