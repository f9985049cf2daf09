"""A headless Chromium, driven over a pipe in the DevTools protocol: for tests of the page."""

import base64
import json
import os
import shutil
import subprocess
import time
from itertools import count

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")


class Browser:
    """One page of a browser that has nothing else; use as a context manager."""

    def __init__(self, folder, size=(1400, 1100)):
        to, self._answers = os.pipe()
        self._asked, from_ = os.pipe()
        command = [
            PROGRAM, "--headless=new", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={folder}",
            f"--window-size={size[0]},{size[1]}", "--enable-unsafe-swiftshader", "--use-angle=swiftshader", "--no-first-run",
            "--disable-gpu-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to} 4>&{from_}', "browser", *command],
            pass_fds=(to, from_), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to)
        os.close(from_)
        self._ids, self._rest, self.events = count(1), b"", []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = None
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Network", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._answers)
        os.close(self._asked)

    _session = None

    def send(self, method, **params):
        """The result of one command; events that come before it are kept in `events`."""
        id = next(self._ids)
        told = {"id": id, "method": method, "params": params} | (
            {"sessionId": self._session} if self._session else {}
        )
        os.write(self._answers, json.dumps(told).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == id:
                assert "error" not in found, found["error"]
                return found["result"]
            self.events.append(found)

    def _next(self):
        while b"\0" not in self._rest:
            piece = os.read(self._asked, 1 << 16)
            assert piece, "the browser has ended"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def open(self, address):
        self.send("Page.navigate", url=address)

    def value(self, expression):
        """What a JavaScript expression is."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression, seconds=30.0):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end, f"{expression} is not true after {seconds} s"
            time.sleep(0.1)

    def choose(self, selector, path):
        """Put a file into an input."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def picture(self, path):
        """A screenshot of the whole page."""
        found = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))
