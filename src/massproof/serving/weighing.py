"""What each part of a file weighs: with the server's density where the file states none, and only there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from massproof.breakdown import Assembly
from massproof.operations.port import Job, Operation, State
from massproof.serving import faults
from massproof.serving.service import Service, Settings

KIND = "assembly"


def unit(settings: Settings) -> dict[str, Any]:
    """The option of jobs that says the unit of files that declare none, where the server was told one."""
    return {"unit": settings.unit} if settings.unit else {}


def weight(settings: Settings) -> dict[str, Any]:
    """The option of jobs that says what parts weigh whose file does not, where the server was told."""
    weights = (("material", settings.material), ("density", settings.density))
    return next(({name: value} for name, value in weights if value), {})


async def operation(request: Request, service: Service, job: Job, anew: bool = False) -> Operation:
    """The operation of a job, as this request shall see it.

    To look at one that has failed is not to try again; anew : but where there is no other way to ask, it is.
    """
    found = None if anew else await service.get(job.id)
    return faults.view(request, found or await service.submit(job))


async def operations(
    request: Request, service: Service, digest: str, options: Mapping[str, Any], anew: bool = False
) -> list[Operation]:
    """The operation that measures each part of a file, and the one that does so with the server's density, if needed.

    options : of measuring, without a density;  anew : see `operation`
    """
    found = await operation(request, service, Job(KIND, (digest,), options), anew)
    more = weight(service.settings)
    if not more or found.state is not State.SUCCEEDED or _weighed(found.outcome.result):
        return [found]
    return [found, await operation(request, service, Job(KIND, (digest,), {**options, **more}), anew)]


def assembly(found: Sequence[Operation]) -> Assembly:
    """What such operations have told, all of which have succeeded."""
    first, *second = (Assembly.from_dict(one.outcome.result) for one in found)
    return first.filled(second[0]) if second else first


def told(assembly: Assembly, *codes: str) -> dict[str, str]:
    """Headers that say what the numbers of a file are worth, where no client trips over it; codes : of more findings"""
    found = {one.code for part in assembly.parts.values() for one in part.properties.findings}
    return {
        "X-Massproof-Verdict": assembly.whole.properties.verdict.value,
        "X-Massproof-Findings": ", ".join(sorted({*found, *codes})),
    }


def _weighed(result: Mapping[str, Any]) -> bool:
    """Whether each part has a density."""
    parts = result["parts"].values()
    return all(one["properties"]["properties"]["density"] is not None for one in parts)
