"""Zoo's text-to-CAD: no provider, saved answers, programs, and a model that is asked."""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from test_serve_zoo import DATA, TOKEN, data, ended, errors, served

import massproof as mp
from massproof import answering
from massproof.blobs import Blobs
from massproof.errors import FormatError, MissingExtra, RemoteError, UsageError
from massproof.operations import programs, providers
from massproof.operations.port import Job

OLD = {"X-Massproof-Profile": "zoo-2026-04"}
# What CadQuery makes of a box, without the seconds that importing it takes.
BOX = """
from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox
result = BRepPrimAPI_MakeBox(1, 2, 3).Shape()
"""


def prompted(client, prompt, form="step", query="", **headers):
    reply = client.post(f"/ai/text-to-cad/{form}{query}", json={"prompt": prompt}, headers={**OLD, **headers})
    assert (reply.status_code, reply.json()["status"]) == (201, "queued"), reply.text
    return ended(client, reply.json())


def outputs(answer):
    assert answer["status"] == "completed", answer
    return {name: base64.urlsafe_b64decode(text + "==") for name, text in answer["outputs"].items()}


def test_without_a_provider_nothing_is_made_up(tmp_path):
    with served(tmp_path) as client:
        answer = prompted(client, "a plate with two holes")

        assert (answer["status"], answer["type"]) == ("failed", "text_to_cad")
        assert "makes up no shape" in answer["error"]
        assert (answer["model"], answer["model_version"]) == ("cad", "local/none")
        assert "outputs" not in answer
        kcl = prompted(client, "a plate", query="?kcl=true")
        assert kcl["error"].startswith("KCL is executed by Zoo's engine alone")
        assert kcl["model"] == "kcl"


def test_the_form_of_the_answer_is_that_of_the_time(tmp_path):
    with served(tmp_path) as client:
        short = prompted(client, "a", **{"X-Massproof-Profile": "zoo-2024-04"})
        assert {"model", "conversation_id"} & set(short) == set()
        old = client.get(
            f"/user/text-to-cad/{short['id']}", headers={"X-Massproof-Profile": "zoo-2024-04"}
        ).json()
        assert "type" not in old
        long = prompted(client, "a")
        assert client.get(f"/user/text-to-cad/{long['id']}").json() == long


def test_saved_answers(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "a-plate-with-two-holes.step").write_bytes(data("box_inch.step"))
    (folder / "a-plate-with-two-holes.gltf").write_bytes(b"{}")
    (folder / "other.txt").write_bytes(b"")
    with served(tmp_path / "server", text_to_cad=f"replay:{folder}") as client:
        answer = prompted(client, "A plate, with two holes!", "obj")
        found = outputs(answer)
        assert list(found) == ["source.step", "source.gltf", "source.obj"]
        assert (found["source.step"], found["source.gltf"]) == (data("box_inch.step"), b"{}")
        assert answer["model_version"] == "local/replay"
        assert prompted(client, "A plate, with two holes!", "obj") == answer

        missing = prompted(client, "Ein Würfel")
        assert "the folder needs a file ein-w-rfel.step" in missing["error"]
        assert "named by its SHA-256" in prompted(client, "立方体")["error"]
        (folder / "ein-w-rfel.stl").write_bytes(data("box.stl"))
        assert outputs(prompted(client, "Ein Würfel", "glb"))["source.step"].startswith(b"ISO-10303-21")
        assert "must clearly describe a CAD model" in prompted(client, " ")["error"]
        assert "cannot write FBX" in prompted(client, "Ein Würfel", "fbx")["error"]
        (folder / "text.txt").write_bytes(b"no part")
        assert "none is a part that can be converted" in prompted(client, "text")["error"]
        folder.rename(tmp_path / "gone")
        assert "cannot be read" in prompted(client, "A plate")["error"]


def test_a_prompt_that_is_a_program(tmp_path):
    with served(tmp_path, text_to_cad="program") as client:
        found = outputs(prompted(client, BOX, "stl"))
        assert list(found) == ["source.step", "source.gltf", "source.py", "source.stl"]
        assert found["source.py"].decode() == BOX
        step, stl = mp.measure(found["source.step"]), mp.measure(found["source.stl"], unit="mm")
        assert step.volume.to("mm^3").value == pytest.approx(6.0)
        assert stl.volume.to("mm^3").value == pytest.approx(6.0)
        failed = prompted(client, "1 / 0")
        assert (
            failed["error"]
            == "the program fails: ZeroDivisionError: division by zero; correct it and ask again"
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise SystemExit(3)", "the program fails: SystemExit: 3"),
        ("a = ", "the program fails: SyntaxError"),
        ("a = 1", "leaves no part"),
        ("result = 5", "part is a int, no CadQuery"),
        ("result = None\nshow_object('x', name='y')", "part is a str"),
        ("show_object('x', name='y')", "part is a str"),
    ],
)
def test_programs_that_leave_no_part(text, message):
    """Called here, as in the process of its own that it runs in."""
    with pytest.raises(FormatError, match=message):
        programs.run(text.encode())


def test_a_program_s_part_in_this_process():
    pytest.importorskip("OCP")
    text = BOX.replace("result =", "show_object(0)\nwhole =").encode() + b"show_object(whole)"

    nothing, step = programs.run(text)

    assert nothing == {}
    assert mp.measure(step, format="step").volume.to("mm^3").value == pytest.approx(6.0)


def test_a_program_sees_none_of_our_secrets(monkeypatch):
    """It may tell what it reads: who is answered is whoever wrote it."""
    monkeypatch.setenv("MASSPROOF_TOKEN", "secret")
    monkeypatch.setenv("HOME", "/somewhere")
    assert answering.environment()["HOME"] == "/somewhere"
    assert "MASSPROOF_TOKEN" not in answering.environment()
    with pytest.raises(FormatError) as caught:
        programs.executed(b"import os\nraise ValueError(' '.join(os.environ))")
    names = str(caught.value).partition("ValueError: ")[2].partition(";")[0].split()
    assert "PATH" in names
    assert not [name for name in names if "TOKEN" in name or "KEY" in name or name.startswith(("AWS", "GIT"))]


def test_a_program_that_does_not_end(monkeypatch):
    monkeypatch.setattr(programs, "LIMITS", programs.LIMITS._replace(seconds=0.2))
    with pytest.raises(FormatError, match=r"the program was stopped \([A-Z_]+\): ") as caught:
        programs.executed(b"while True: pass")
    assert caught.value.code in ("WALL_CLOCK", "CPU_LIMIT")


def test_a_program_that_is_no_program():
    with pytest.raises(FormatError, match="of at most 1048576"):
        programs.executed(bytes((1 << 20) + 1))


def test_a_saved_part_in_a_mesh_alone(tmp_path):
    blobs = Blobs(tmp_path)
    job = Job("program", (blobs.put(data("box.stl")).digest,), {"saved": [".stl"], "format": "stl"})

    assert list(programs.program(job, blobs).files) == ["source.step", "source.gltf", "source.stl"]


# A model


@contextmanager
def model(answer, status=200):
    """A chat endpoint that answers the same to everybody, and what it was asked."""
    asked = []

    class Model(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, body, self.headers.get("Authorization")))
            content = json.dumps(answer).encode() if not isinstance(answer, bytes) else answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/", asked
        finally:
            server.shutdown()
            thread.join()


def said(text):
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


def test_a_model_that_writes_a_program(tmp_path, monkeypatch):
    monkeypatch.setenv(providers.KEY, "secret")
    answered = said(f"Here it is:\n```python\n{BOX.strip()}\n```\nEnjoy.")
    with model(answered) as (url, asked), served(tmp_path, text_to_cad=f"openai:{url}#cad-coder") as client:
        answer = prompted(client, "a box of 1 by 2 by 3 mm")
        again = prompted(client, "a box of 1 by 2 by 3 mm")

    found = outputs(answer)
    assert again == answer
    assert found["source.py"].decode().strip() == BOX.strip()
    assert mp.measure(found["source.step"]).volume.to("mm^3").value == pytest.approx(6.0)
    ((path, body, key),) = asked
    assert (path, body["model"], key) == ("/v1/chat/completions", "cad-coder", "Bearer secret")
    assert body["messages"][1] == {"role": "user", "content": "a box of 1 by 2 by 3 mm"}
    assert "code" not in answer


def test_the_longest_fenced_part_is_the_program(monkeypatch):
    monkeypatch.delenv(providers.KEY, raising=False)
    with model(said("```\nshort\n```\n```py\nthe longer one\n```")) as (url, asked):
        assert providers.asked(url, "x") == "the longer one\n"
    assert (asked[0][1]["model"], asked[0][2]) == ("default", None)
    with model(said("no fence")) as (url, _):
        assert providers.asked(url, "x") == "no fence\n"


@pytest.mark.parametrize("answer", [b"no JSON", {"choices": []}, [], said(None), said("  ")])
def test_a_model_that_says_nothing(answer):
    with model(answer) as (url, _), pytest.raises(RemoteError) as caught:
        providers.asked(url, "x")
    assert not isinstance(caught.value, providers.ProviderError)


def test_a_model_that_does_not_answer(tmp_path):
    with model({}, 503) as (url, _), pytest.raises(providers.ProviderError, match="status 503"):
        providers.asked(url, "x")
    with served(tmp_path, text_to_cad=f"openai:{url}") as client:  # whose port is closed now
        failed = prompted(client, "a box")
        assert "the model did not answer: ConnectError" in failed["error"]
        attempts = [
            prompted(client, "a box") and one.attempts for one in client.app.state.service.operations.list()
        ]
        assert client.app.state.service.operations.list()[0].attempts == attempts[0] + 1


def test_a_model_without_httpx(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "httpx", None)
    with pytest.raises(MissingExtra):
        providers.asked("http://127.0.0.1:9", "x")


@pytest.mark.parametrize(
    "text", ["", "oracle", "replay", "replay:", "openai:", "openai:ftp://x", "openai:/etc/passwd"]
)
def test_providers_that_there_are_not(text):
    with pytest.raises(UsageError):
        providers.known(text)


# Lists and feedback


def test_prompts_are_listed_newest_first(tmp_path):
    with served(tmp_path) as client:
        made = [prompted(client, text) for text in ("one", "two", "three")]
        page = client.get("/user/text-to-cad?no_models=false&no_parts=false").json()
        assert page["items"] == made[::-1]
        first = client.get("/user/text-to-cad?limit=2").json()
        rest = client.get(f"/user/text-to-cad?limit=2&page_token={first['next_page']}").json()
        assert first["items"] + rest["items"] == made[::-1]
        assert "next_page" not in rest
        talk = made[1]["conversation_id"]
        assert client.get(f"/user/text-to-cad?conversation_id={talk}").json()["items"] == [made[1]]
        errors(client.get("/user/text-to-cad?conversation_id=x"), 400, "UUID parsing failed")
        listed = client.get("/async/operations").json()["items"]
        assert [one["input"]["prompt"] for one in listed] == ["one", "two", "three"]
        assert {one["type"] for one in listed} == {"text_to_cad"}


def test_feedback_is_kept(tmp_path):
    with served(tmp_path) as client:
        made = prompted(client, "a plate")
        path = f"/user/text-to-cad/{made['id']}"
        assert "feedback" not in client.get(path).json()
        for word in ("thumbs_up", "rejected"):
            assert client.post(f"{path}?feedback={word}").status_code == 204
            assert client.get(path).json()["feedback"] == word
        errors(client.post(f"{path}?feedback=fine"), 400, "unknown variant `fine`")
        errors(client.post(path), 400, "missing field `feedback`")
        file = client.post("/file/volume?src_format=stl", content=data("box.stl")).json()
        errors(client.get(f"/user/text-to-cad/{file['id']}"), 404, "Not Found")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "unable to parse JSON body: "),
        (b"[]", "expected struct TextToCadCreateBody"),
        (b"{}", "missing field `prompt`"),
        (b'{"prompt": 5}', "invalid type for `prompt`"),
        (b'{"prompt": null}', "invalid type for `prompt`"),
        (b'{"prompt": "a", "kcl_version": 5}', "invalid type for `kcl_version`"),
        (b'{"prompt": "\\u0000"}', "invalid unicode code point"),
        (b'{"prompt": "\\ud800"}', "invalid unicode code point"),
        (b'{"prompt": "' + b"a" * (1 << 20) + b'"}', "exceeded maximum size"),
    ],
)
def test_prompts_that_are_none(tmp_path, body, text):
    with served(tmp_path) as client:
        reply = client.post("/ai/text-to-cad/step", content=body, headers=OLD)
        errors(reply, 413 if "maximum" in text else 400, text)
        errors(
            client.post("/ai/text-to-cad/step?kcl=maybe", content=b"{}", headers=OLD),
            400,
            "`true` or `false`",
        )
        errors(client.post("/ai/text-to-cad/dwg", content=b"{}", headers=OLD), 400, "unknown variant `dwg`")


def test_the_vendor_s_package_reads_prompts(tmp_path):
    models = pytest.importorskip("kittycad.models")
    with served(tmp_path) as client:
        made = prompted(client, "a plate")
        client.post(f"/user/text-to-cad/{made['id']}?feedback=accepted")
        page = client.get("/user/text-to-cad", headers=TOKEN).json()
    found = models.TextToCadResponseResultsPage.model_validate(page)
    assert str(found.items[0].root.feedback) == "accepted"
    assert DATA.is_dir()
