"""Every file call of the `kittycad` package that can be imported, against a running server; prints a table.

    ZOO_HOST=http://127.0.0.1:1234 python tests/clients/zoo/python_client.py

ZOO_UP=y for a server with a profile up to zoo-2026-04. Versions before 1.3 also make prompts, which needs such a one.
The package is as its vendor publishes it: only its address is another. Numbers must be those of `massproof.measure`.
"""

import os
import sys
import time
from pathlib import Path

import kittycad
from kittycad import models as m

import massproof as mp

DATA = Path(__file__).resolve().parents[3] / "data"
FILES = {"stl": "bracket.stl", "obj": "torus.obj", "step": "bracket.step"}
CLIENT = kittycad.KittyCAD(token="any", base_url=os.environ["ZOO_HOST"])


def ended(answer):
    """An answer when its operation has ended."""
    while str(answer.status) in ("queued", "uploaded", "in_progress"):
        time.sleep(0.05)
        answer = CLIENT.api_calls.get_async_operation(id=str(answer.id)).root
    assert str(answer.status) == "completed", (answer.status, answer.error)
    return answer


def asked(call, **query):
    """The answer to one call, and how it came."""
    first = call(**query)
    done = ended(first)
    again = CLIENT.api_calls.get_async_operation(id=str(first.id)).root
    assert str(again.id) == str(first.id)
    return done, "at once" if done is first else "polled"


def row(kind, name, how, got, expected):
    same = (
        got == expected
        if not isinstance(expected, tuple)
        else all(a == b for a, b in zip(got, expected, strict=True))
    )
    near = same or all(abs(a - b) <= 1e-12 * abs(b) for a, b in zip(flat(got), flat(expected), strict=True))
    print(
        f"{kind:5} {name:16} {how:8} {'equal' if same else 'within 1e-12' if near else f'WRONG {got} {expected}'}"
    )
    return near


def flat(value):
    return value if isinstance(value, tuple) else (value,)


def point(value):
    return value.x, value.y, value.z


def of_file(kind, name):
    body, file = (DATA / name).read_bytes(), CLIENT.file
    src = {"src_format": m.FileImportFormat(kind), "body": body}
    result = mp.measure(DATA / name, unit=None if kind == "step" else "mm", density="2700 kg/m^3")
    got, how = asked(file.create_file_volume, output_unit=m.UnitVolume.CM3, **src)
    yield row(kind, "volume", how, got.volume, result.volume.to("cm^3").value)
    got, how = asked(file.create_file_surface_area, output_unit=m.UnitArea.MM2, **src)
    yield row(kind, "surface area", how, got.surface_area, result.area.to("mm^2").value)
    got, how = asked(
        file.create_file_mass, material_density=2700.0, material_density_unit=m.UnitDensity.KG_M3,
        output_unit=m.UnitMass.G, **src,
    )  # fmt: skip
    yield row(kind, "mass", how, got.mass, result.mass.to("g").value)
    got, how = asked(
        file.create_file_density, material_mass=got.mass, material_mass_unit=m.UnitMass.G,
        output_unit=m.UnitDensity.LB_FT3, **src,
    )  # fmt: skip
    yield row(kind, "density", how, got.density, result.density.to("lb/ft^3").value)
    got, how = asked(file.create_file_center_of_mass, output_unit=m.UnitLength.MM, **src)
    x, y, z = result.center_of_mass.to("mm")
    centre = (x, z, 0.0 - y) if os.environ.get("ZOO_UP") == "y" else (x, y, z)
    yield row(kind, "centre of mass", how, point(got.center_of_mass), centre)
    if hasattr(file, "create_file_bounding_box"):
        got, how = asked(file.create_file_bounding_box, output_unit=m.UnitLength.IN, **src)
        box = result.bounding_box
        yield row(kind, "bounding box", how, point(got.bounding_box.dimensions), tuple(q.to("in").value for q in (box.length, box.width, box.height)))  # fmt: skip
    for target in ("stl", "obj", "ply", "step", "gltf", "glb"):
        got, how = asked(file.create_file_conversion, output_format=m.FileExportFormat(target), **src)
        yield converted(kind, target, how, bytes(got.outputs[f"source.{target}"]), result)
    got, how = with_options(kind, name)
    yield converted(kind, "step", f"options, {how}", bytes(got.outputs["source.step"]), result)


def converted(kind, target, how, content, result):
    """Facets of what is round miss a little of the volume; nothing else does."""
    unit = "mm" if target in ("stl", "obj", "ply") else None
    if target == "gltf":
        good = content.startswith(b"{")
    else:
        volume = mp.measure(content, unit=unit, format=target).volume.value
        good = abs(volume / result.volume.value - 1) < (1e-2 if kind == "step" and target != "step" else 1e-5)
    print(f"{kind:5} to {target:13} {how:8} {'good' if good else 'WRONG'}, {len(content)} bytes")
    return good


def with_options(kind, name):
    pair = m.AxisDirectionPair
    system = m.System(forward=pair(axis="y", direction="negative"), up=pair(axis="z", direction="positive"))
    sources = {"stl": "OptionStl", "obj": "OptionObj", "step": "OptionStep"}
    given = {"coords": system} | ({} if kind == "step" else {"units": "mm"})
    made = of_fields(getattr(m.input_format3d, sources[kind]), given)
    target = of_fields(m.output_format3d.OptionStep, {"coords": system, "units": "mm"})
    body = m.ConversionParams(src_format=m.InputFormat3d(made), output_format=m.OutputFormat3d(target))
    files = {name: DATA / name}
    try:
        first = CLIENT.file.create_file_conversion_options(body=body, file_attachments=files)
    except AttributeError:
        return None, "absent"
    return ended(first), "polled"


def of_fields(model, given):
    """A model of those fields that this version of the package has."""
    return model(**{key: value for key, value in given.items() if key in model.model_fields})


def of_errors():
    failed = CLIENT.file.create_file_volume(
        src_format=m.FileImportFormat.STL, body=(DATA / "open_box.stl").read_bytes()
    )
    while str(failed.status) in ("queued", "uploaded", "in_progress"):
        failed = CLIENT.api_calls.get_async_operation(id=str(failed.id)).root
    print(f"      open mesh        {failed.status}: {failed.error}")
    yield str(failed.status) == "failed" and failed.volume is None
    try:
        CLIENT.api_calls.get_async_operation(id="8f0b6c1e-0000-4000-8000-000000000001")
    except Exception as error:
        print(f"      unknown id       {type(error).__name__}: {str(error)[:60]}")
        yield "Not Found" in str(error) or isinstance(error, ImportError)  # which is a mistake of 1.2.6
    pong = CLIENT.meta.ping()
    yield pong.message == "pong"
    if hasattr(CLIENT.api_calls, "list_async_operations"):
        listed = list(CLIENT.api_calls.list_async_operations(limit=7))
        print(f"      list             {len(listed)} operations in pages of 7")
        yield len(listed) > 20
    inches = CLIENT.unit.get_length_unit_conversion(
        input_unit=m.UnitLength.MM, output_unit=m.UnitLength.IN, value=25.4
    )
    yield inches.output == 1.0
    if hasattr(CLIENT.ml, "create_text_to_cad"):
        yield from of_prompts()


def of_prompts():
    body = m.TextToCadCreateBody(prompt="a plate with two holes")
    made = CLIENT.ml.create_text_to_cad(output_format=m.FileExportFormat.STEP, body=body)
    while str(made.status) in ("queued", "in_progress"):
        made = CLIENT.ml.get_text_to_cad_part_for_user(id=str(made.id)).root
    print(f"      text-to-cad      {made.status}: {(made.error or '')[:60]}")
    CLIENT.ml.create_text_to_cad_part_feedback(id=str(made.id), feedback=m.MlFeedback.THUMBS_UP)
    (one,) = list(CLIENT.ml.list_text_to_cad_parts_for_user(limit=1))[:1]
    yield str(one.root.feedback) == "thumbs_up"


def main():
    print(f"kittycad {getattr(kittycad, '__version__', '') or Path(kittycad.__file__).parent.parent}")
    good = [well for kind, name in FILES.items() for well in of_file(kind, name)]
    good += list(of_errors())
    print(f"{sum(good)} of {len(good)} are as they should be")
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
