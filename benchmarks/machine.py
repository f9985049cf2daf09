"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path


def _field(path: str, name: str) -> str:
    """First value of a field of a file of /proc, "" elsewhere."""
    if not Path(path).exists():
        return ""
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def description() -> dict[str, str]:
    """Date, processor, cores, memory, system, versions, and how busy the machine was at the start."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = _field("/proc/meminfo", "MemTotal").split()
    flags = _field("/proc/cpuinfo", "flags").split()
    wide = [flag for flag in ("avx2", "avx512f") if flag in flags]
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "processor": " ".join([_field("/proc/cpuinfo", "model name") or platform.processor(), *wide]),
        "cores": str(cores),
        "memory": f"{int(memory[0]) / 1048576:.0f} GiB" if memory else "",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "massproof": version("massproof"),
        "numpy": version("numpy"),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "",
    }
