"""The tables of a run, as Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import meshes
import peers

Found = dict[str, Any]
_LIMIT = "sum of"


def error(answer: dict[str, Any], exact: dict[str, Any]) -> dict[str, float]:
    """Relative errors: lengths against the square root of the area, inertia against its largest entry."""
    found = {}
    for field, scale in (("volume", abs(exact["volume"])), ("area", exact["area"])):
        if answer.get(field) is not None:
            found[field] = abs(answer[field] - exact[field]) / scale
    for field, scale in (("centre", math.sqrt(exact["area"])), ("inertia", max(map(abs, exact["inertia"])))):
        if answer.get(field) is not None:
            found[field] = max(abs(a - b) for a, b in zip(answer[field], exact[field], strict=True)) / scale
    return found


def grid(columns: Sequence[str], rows: Iterable[dict[str, str]]) -> list[str]:
    """A Markdown table and an empty line; a cell that a row does not name is a dash."""
    body = ["| " + " | ".join(row.get(column, "–") for column in columns) + " |" for row in rows]
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *body, ""]


def every(found: Found) -> list[str]:
    """All tables of what was run."""
    page = []
    for name, case in found["cases"].items():
        page += [f"## {case['title']}", "", *_case(name, case, found["versions"])]
        page += _limits(name, case)
    page += _topology(found) + _accuracy(found) + _broken(found) + step(found) + convert(found) + _cold(found)
    if "larger" in found:
        page += [
            "## A file larger than the memory it may use",
            "",
            "`python benchmarks/larger_than_memory.py`",
            "",
        ]
        page += ["```text", found["larger"].strip(), "```", ""]
    page += serve(found)
    if found["missing"]:
        page += ["## Not installed", ""]
        page += [f"- {name}: {why}" for name, why in found["missing"].items()] + [""]
    return page


def command(part: str, peer: str = "") -> str:
    """What repeats a row or a table."""
    quoted = f'"{peer}"' if " " in peer else peer
    return f"`python benchmarks/mesh.py --only {part}" + (f" --peers {quoted}`" if peer else "`")


def _ms(pair: list[float] | None) -> str:
    return "–" if pair is None else _time(pair[0])


def _time(seconds: float) -> str:
    """Milliseconds with three digits."""
    value = seconds * 1e3
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _times(ratio: float | None) -> str:
    return (
        "–"
        if ratio is None
        else f"{ratio:.0f}"
        if ratio >= 100
        else f"{ratio:.1f}"
        if ratio >= 1
        else f"{ratio:.2f}"
    )


def _size(found: float | None) -> str:
    return "–" if found is None else f"{max(found, 0) / 1e6:.0f}"


def _small(value: float | None) -> str:
    return "–" if value is None else "0" if value == 0 else "inf" if math.isinf(value) else f"{value:.0e}"


def _sorted(rows: dict[str, Any]) -> list[tuple[str, Any]]:
    measured = [(name, row) for name, row in rows.items() if "cpu" in row]
    return sorted(measured, key=lambda item: item[1]["cpu"]) + [
        item for item in rows.items() if "cpu" not in item[1]
    ]


_TIMES = ("load", "compute", "**CPU ms**", "wall ms", "× CPU", "× wall", "peak MB")


def _timed(row: dict[str, Any]) -> dict[str, str]:
    """The cells that every table of times has."""
    if "cpu" not in row:
        return {"rounds": row["why"]}
    values = (_ms(row["load"]), _ms(row["compute"]), f"**{_time(row['cpu'])}**", _time(row["wall"]))
    ratios = (_times(row["cpu_ratio"]), _times(row["wall_ratio"]), _size(row.get("peak")))
    return {"rounds": str(row["rounds"]), **dict(zip(_TIMES, values + ratios, strict=True))}


def _case(name: str, case: dict[str, Any], versions: dict[str, str]) -> list[str]:
    columns = ["peer", "rounds", *_TIMES[:4], "own check", "× CPU", "× with check", "× wall", "peak MB"]
    rows = {peer: row for peer, row in case["rows"].items() if not peer.startswith(_LIMIT)}
    body = []
    for peer, row in _sorted(rows):
        cells = {
            "peer": f"{peer} {versions.get(peer, '')}".strip(),
            **_timed(row),
            "repeat": command(name, peer),
        }
        if "cpu" in row:
            cells |= {"own check": _ms(row["check"]), "× with check": _times(row.get("checked_ratio"))}
            cells["error of volume"] = _small(row["error"].get("volume"))
        if peer.startswith("massproof"):
            cells |= {"own check": "in it", "× with check": cells.get("× CPU", "–")}
        if peer in ("massproof", "massproof full"):
            cells["load"] = "in one"  # it reads and integrates in one pass
        body.append(cells)
    return [*grid([*columns, "error of volume", "repeat"], body), *_notes(rows)]


def _notes(rows: dict[str, Any]) -> list[str]:
    """How peers are used, those that are used alike together."""
    together: dict[str, list[str]] = {}
    for peer, kind in peers.registry().items():
        if peer in rows and kind.note:
            together.setdefault(kind.note, []).append(peer)
    return ["; ".join(f"{', '.join(names)}: {note}" for note, names in together.items()) + ".", ""]


def _limits(name: str, case: dict[str, Any]) -> list[str]:
    """Bytes of the file over wall time, of sums and of ours."""
    wanted = {p: r for p, r in case["rows"].items() if p.startswith((_LIMIT, "massproof")) and "cpu" in r}
    if not any(peer.startswith(_LIMIT) for peer in wanted):
        return []
    count = (case["bytes"] - 84) / 50
    notes = {peer: kind.note for peer, kind in peers.registry().items()}
    body = [
        {
            "what the machine allows": peer,
            "how": notes[peer],
            "wall ms": _time(row["wall"]),
            "GB/s": f"{case['bytes'] / row['wall'] / 1e9:.2f}",
            "best GB/s": f"{case['bytes'] / row['wall_best'] / 1e9:.2f}",
            "million triangles a second": f"{count / row['wall'] / 1e6:.0f}",
            "repeat": command(name, peer),
        }
        for peer, row in sorted(wanted.items(), key=lambda item: item[1]["wall"])
    ]
    return grid(list(body[0]), body)


def _topology(found: Found) -> list[str]:
    page = []
    said = {"vertices": "vertices", "boundary": "open edges", "bodies": "bodies"}
    for name, rows in found.get("topology", {}).items():
        body = []
        for peer, row in _sorted(rows):
            counts = row["answer"] if "cpu" in row else {}
            shown = {said[key]: str(value) for key, value in counts.items() if value is not None}
            body.append({"peer": peer, **_timed(row), **shown, "repeat": command("topology_1e6", peer)})
        columns = ["peer", "rounds", *_TIMES, *said.values(), "repeat"]
        page += [f"## Weld, edges and bodies of {name}, from the file", "", *grid(columns, body)]
    return page


def _accuracy(found: Found) -> list[str]:
    if "accuracy" not in found:
        return []
    table, fields = found["accuracy"], ("volume", "area", "centre", "inertia")
    titles = {name: meshes.CASES[name].title for name in table["names"]}
    body = []
    for peer, replies in table["rows"].items():
        cells = {"peer": peer, "repeat": command("accuracy", peer)}
        for name, title in titles.items():
            errors = replies[name].get("error")
            cells[title] = (
                " / ".join(_small(errors.get(f)) for f in fields) if errors else _why(replies[name])
            )
        body.append(cells)
    page = ["## Accuracy, 10⁴ triangles: relative errors of volume / area / centre / inertia", ""]
    return page + grid(["peer", *titles.values(), "repeat"], body)


def _why(reply: dict[str, Any]) -> str:
    return str(reply.get("failed", "–")).partition(":")[0]


def _broken(found: Found) -> list[str]:
    if "broken" not in found:
        return []
    table = found["broken"]
    titles = {name: meshes.CASES[name].title for name in table["names"]}
    sums = {titles[name]: f"{table['exact'][name]['volume']:.1f}" for name in table["names"]}
    body = [
        {"peer": "signed sum over the triangles, exact", **sums},
        {"peer": "what was meant", **_meant(table, titles)},
    ]
    for peer, replies in table["rows"].items():
        cells = {titles[name]: _verdict(replies[name]) for name in table["names"]}
        body.append({"peer": peer, **cells, "repeat": command("broken", peer)})
    page = ["## What each says about imperfect meshes: volume in mm³, and whether they are closed", ""]
    return page + grid(["peer", *titles.values(), "repeat"], body)


def _meant(table: dict[str, Any], titles: dict[str, str]) -> dict[str, str]:
    """Volumes of the parts before they were damaged, where that has one answer."""
    exact = {name: answer["volume"] for name, answer in table["exact"].items()}
    whole = exact["torus_1e3"]
    cavity = whole - (exact["cavity_outward"] - whole)
    meant = dict.fromkeys(
        ("torus_1e3", "facet_missing", "half_missing", "facet_flipped", "inside_out"), whole
    )
    return {titles[name]: f"{volume:.1f}" for name, volume in (meant | {"cavity_outward": cavity}).items()}


def _verdict(reply: dict[str, Any]) -> str:
    if "answer" not in reply:
        return _why(reply)
    volume = reply["answer"]["volume"]
    says = reply.get("says") or {True: "closed", False: "open", None: "no test"}[reply["closed"]]
    return f"{'no volume' if volume is None else format(volume, '.1f')}, {says}"


_CODES = {
    **{"plane": "P", "cylinder": "Y", "cone": "C", "sphere": "S", "torus": "T", "spline": "N"},
    **{"extrusion": "E", "revolution": "R", "offset": "O"},
}
_STEP = (
    "Read to all properties (area, volume, centre, inertia, box, intervals), against OCCT: read, transfer, `BRepGProp`",
    "with its defaults for volume and area; both warm, imports excluded, in turns. *apart*: relative difference of the",
    "volume from ours, of OCCT's default and of its integration at two high accuracies (asked once); *within*: whether",
    "the latter and ours are no further apart than both intervals allow. Faces: plane P, cylinder Y, cone C, sphere S,",
    "torus T, spline N, extrusion E, revolution R, offset O.",
)


def step(found: Found) -> list[str]:
    """STEP files, the tokenizer, and whole commands."""
    if "step" not in found:
        return []
    import step as measured

    given = found["step"]
    page = ["## STEP", "", *_STEP, "", *grid(_STEP_COLUMNS, [_of_step(r, measured) for r in given["rows"]])]
    page += [
        f"Repeat with `python benchmarks/step.py`, or `--files` and a word of the path. {_agreement(given, measured)}",
        "",
        *(f"- not read by massproof: {row['file']}: {_reason(row)}" for row in given["refused"]),
        "",
    ]
    speed = given["tokens"]
    page += [
        f"Part 21 tokens, index, references and types of {speed['file']}, {speed['bytes'] / 1e6:.1f} MB: "
        f"{speed['median']:.0f} MB/s on one core, {speed['best']:.0f} at best.",
        "",
    ]
    if given["shell"]:
        own, other, ratio = (given["shell"][key] for key in ("own", "cadquery", "ratio"))
        page += [
            f"`massproof measure {given['shell']['file']}` ({given['shell']['bytes'] / 1e3:.0f} kB) from the shell: "
            f"{_time(own[1])} ms wall, {_time(own[0])} ms CPU; a CadQuery script that asks for the same: "
            f"{_time(other[1])} and {_time(other[0])} ms, {_times(ratio[1])} and {_times(ratio[0])} times as much.",
            "",
        ]
    return page


_STEP_COLUMNS = (
    *("file", "kB", "faces", "solids", "engine", "**CPU ms**", "OCCT CPU ms", "× CPU", "rounds"),
    *("apart", "apart, careful", "within", "says"),
)


def _reason(row: dict[str, Any]) -> str:
    """Why a file is refused, without where it lies on this machine."""
    return re.sub(rf"\S*{re.escape(row['file'])}: ", "", row["refused"])[:160]


def _of_step(row: dict[str, Any], measured: Any) -> dict[str, str]:
    """One file."""
    kinds = sorted(row["kinds"].items(), key=lambda item: -item[1])
    native, solids = row["solids"]
    cells = {
        "file": row["file"],
        "kB": f"{row['bytes'] / 1e3:.0f}",
        "faces": " ".join(f"{count}{_CODES[kind]}" for kind, count in kinds),
        "solids": str(solids),
        "engine": "native" if native == solids else f"OCCT for {solids - native}" if native else "OCCT",
        "**CPU ms**": f"**{_time(row['own']['cpu'])}**",
        "says": row["own"].get("says", "–"),
    }
    occt = row.get("occt") or {}
    if "cpu" in occt:
        cells |= {"OCCT CPU ms": _time(occt["cpu"]), "× CPU": _times(occt["cpu_ratio"])}
        cells |= {"rounds": str(occt["rounds"]), "apart": _small(measured.apart(row, occt))}
    elif "why" in occt:
        cells["OCCT CPU ms"] = occt["why"][:60]
    careful = row.get("careful") or {}
    if "answer" in careful:
        cells["apart, careful"] = _small(measured.apart(row, careful))
        cells["within"] = {True: "yes", False: "**no**", None: "–"}[measured.within(row)]
    elif "failed" in careful:
        cells["apart, careful"] = careful["failed"][:60]
    return cells


def _agreement(given: Found, measured: Any) -> str:
    """In how many files both engines agree, and what large files gain."""
    answers = [measured.within(row) for row in given["rows"]]
    known = [answer for answer in answers if answer is not None]
    numbers, said = measured.summary(given), []
    if known:
        said.append(f"The two engines agree within their intervals in {sum(known)} of {len(known)} files.")
    if "large" in numbers:
        said.append(f"Median ratio of files of 100 kB and more: {numbers['large']:.1f} ×.")
    return " ".join(said)


def convert(found: Found) -> list[str]:
    """A large file in other formats, within a limit of memory."""
    if "convert" not in found:
        return []
    given = found["convert"]
    body = [
        {
            "to": row["to"],
            "wall s": f"{row['wall']:.1f}",
            "CPU s": f"{row['cpu']:.1f}",
            "peak MB": _size(row["peak"]),
            "written MB": f"{row['written'] / 1e6:.1f}",
            "error of volume": _small(row.get("error")),
        }
        for row in given["rows"]
    ]
    page = ["## Convert and draw a large file", ""]
    page += [
        f"`massproof convert` and `render`, from the shell, of a binary STL of {given['million']:g} million triangles, "
        f"{given['bytes'] / 1e6:.0f} MB; what was written is read and measured again. The process may use "
        f"{given['limit'] / 1e9:g} GB of addresses, libraries and mapped files included. Repeat with "
        f"`python benchmarks/convert.py large {given['million']:g}`.",
        "",
    ]
    return page + grid(list(body[0]), body)


def _cold(found: Found) -> list[str]:
    body = [
        {
            "whole command": title,
            "CPU ms": _time(row["cpu"]),
            "wall ms": _time(row["wall"]),
            "× CPU of `import numpy`": _times(row["cpu_ratio"]),
            "× wall": _times(row["wall_ratio"]),
            "repeat": "`python benchmarks/processes.py`",
        }
        for title, row in found.get("cold", {}).items()
    ]
    return ["## From the shell", "", *grid(list(body[0]), body)] if body else []


def serve(found: Found) -> list[str]:
    """What one server process answers."""
    if "serve" not in found:
        return []
    part = found["serve"]
    columns = ["64 clients", "by the clock", "per core", "p50 ms", "p99 ms", "memory", "errors", "of"]
    rows = [
        {
            "64 clients": name,
            "by the clock": _cell(row, "wall", "{:.0f} /s")
            if "wall" in row
            else _cell(row, "rate", "{:.0f} MiB/s"),
            "per core": _cell(row, "per core", "**{:.0f} /s**"),
            "p50 ms": _cell(row, "p50", "**{:.1f}**"),
            "p99 ms": _cell(row, "p99", "{:.1f}"),
            "memory": _cell(row, "growth", "**+{:.0f} MB**"),
            "errors": str(row["errors"]),
            "of": str(row["count"]),
        }
        for name, row in part["rows"].items()
    ]
    told = f"On {part['machine']['date']}, operations in {part['database']}, load before: {part['machine']['load']}."
    how = "*per core*: for each second of the server's own CPU time. Submissions come one after the other."
    return ["## Server", "", f"`python benchmarks/serve_load.py`. {told} {how}", "", *grid(columns, rows)]


def _cell(row: dict[str, Any], name: str, form: str) -> str:
    return form.format(row[name]) if name in row else "–"
