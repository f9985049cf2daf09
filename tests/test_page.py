"""The page at `/`, in a headless Chromium: a file is dropped, measured, drawn, and told as each cloud would."""

import pytest
from browser import PROGRAM, Browser

import massproof as mp
from massproof import testing

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def cloud():
    with testing.server() as cloud:
        yield cloud


@pytest.fixture
def browser(cloud, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(cloud.url)
        browser.until("document.querySelectorAll('#materials option').length > 10")
        yield browser


def text(browser, selector):
    return browser.value(f"document.querySelector({selector!r}).innerText")


def test_a_file_that_is_dropped_is_measured_drawn_and_told_as_each_cloud_would(browser, cloud, data):
    browser.value("document.querySelector('#material').value = 'Steel'")
    browser.choose("#file", data / "box.stl")
    browser.until("document.querySelector('#status').innerText.startsWith('measured in')", 60)
    browser.until("document.querySelector('#view').dataset.loaded", 60)
    browser.until("document.querySelectorAll('#recent li').length", 20)
    rows = text(browser, "#properties")
    clouds = text(browser, "#clouds")
    result = mp.measure(data / "box.stl", material="Steel")
    volume = result.to_dict("mfgdm")["volume"]["displayValue"]

    assert text(browser, "#name") == "box.stl"
    assert text(browser, "#verdict") == result.verdict.value.upper()
    assert f"mass\t{result.mass.to('g').value:.7g}".rstrip("0") in rows
    assert "unit-assumed" in text(browser, "#findings")
    assert all(word in clouds for word in ("COMPLETED", volume, "Mass Properties", "output_unit"))
    assert browser.value("document.querySelector('#view').dataset.loaded") in ("model", "picture")
    assert text(browser, "#recent").startswith("box.stl")
    wanted = {one["params"]["request"]["url"] for one in browser.events if one["method"] == "Network.requestWillBeSent"}  # fmt: skip
    assert all(url.startswith((cloud.url, "blob:", "data:")) for url in wanted)
    assert not [one for one in browser.events if one["method"] == "Runtime.exceptionThrown"]


def test_what_is_wrong_is_said_and_nothing_is_shown_for_it(browser, data, tmp_path):
    (tmp_path / "bad.step").write_bytes((data / "box.stl").read_bytes())
    browser.choose("#file", tmp_path / "bad.step")
    browser.until("document.querySelector('#status .failed')", 60)

    assert "not a STEP file" in text(browser, "#status")
    assert browser.value("document.querySelector('#properties tbody').childElementCount") == 0
    for empty in ("#verdict", "#properties", "#view", "#clouds", "#downloads"):
        assert browser.value(f"document.querySelector('{empty}').checkVisibility()") is False

    browser.choose("#file", data / "box.stl")
    browser.until("document.querySelector('#status').innerText.startsWith('measured in')", 60)
    assert browser.value("document.querySelector('#downloads').checkVisibility()") is True


def test_a_mesh_with_a_hole_has_no_volume_and_the_page_says_why(browser, data):
    browser.choose("#file", data / "open_box.stl")
    browser.until("document.querySelector('#status').innerText.startsWith('measured in')", 60)
    rows = text(browser, "#properties").splitlines()

    assert text(browser, "#verdict") == "UNSAFE"
    assert "center of mass\t" in text(browser, "#properties")
    assert next(row for row in rows if row.startswith("volume\t")).count("edges") == 1
    assert next(row for row in rows if row.startswith("area\t"))


def test_nothing_stands_out_of_a_narrow_window(browser, data):
    browser.send(
        "Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=False
    )
    browser.choose("#file", data / "sphere.step")
    browser.until("document.querySelector('#status').innerText.startsWith('measured in')", 60)

    assert browser.value("document.documentElement.scrollWidth") <= 400
