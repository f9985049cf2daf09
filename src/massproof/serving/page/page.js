// The page: a file goes in, operations are asked for, and what they answer is shown. Everything comes from this server.
const $ = id => document.getElementById(id);
const CLOUDS = [["mfgdm", "Manufacturing Data Model"], ["derivative", "Model Derivative"], ["zoo", "Zoo"]];
const TARGETS = [["stl", "STL"], ["obj", "OBJ"], ["step", "STEP"], ["glb", "GLB"], ["ply", "PLY"]];
const WAIT = 10; // seconds that one request waits for an operation
const ROWS = [
  ["area", "area"], ["volume", "volume"], ["density", "density"], ["mass", "mass"],
  ["centerOfMass", "center of mass"], ["boundingBox", "bounding box"], ["inertia", "inertia"],
];
const names = new Map(); // what files were called when they were last shown: the same bytes may have several names
let shown = 0; // which file is shown: what arrives late for another is dropped

function token() {
  return sessionStorage.getItem("token");
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401 && !options.again) {
    const given = prompt("This server wants its token:");
    if (given) {
      sessionStorage.setItem("token", given);
      return ask(path, { ...options, again: true });
    }
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = `${answer.status} ${answer.statusText}`;
  try { message = JSON.parse(text).error.message; } catch { /* not ours: the status must do */ }
  throw new Error(message);
}

const json = async (path, options) => (await ask(path, options)).json();

async function operation(kind, file, options, told) {
  let found = await json("/v1/operations", { method: "POST", body: JSON.stringify({ kind, file, name: names.get(file), options }) });
  for (const begun = Date.now(); !["succeeded", "failed", "timed_out", "cancelled"].includes(found.state);) {
    told?.(`${found.state}, ${Math.round((Date.now() - begun) / 1000)} s`);
    found = await json(`/v1/operations/${found.id}?wait=${WAIT}`);
  }
  if (found.state !== "succeeded") throw new Error(found.error?.message ?? found.state);
  return found;
}

function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  if (text !== undefined) made.textContent = text;
  return made;
}

const unitOf = one => one.definition.units.id.replace(/\^(\d)/g, (_, n) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[n]).replace(/\*/g, "·");

function figures(value) {
  return value === null || value === undefined ? "∞" : Number(value).toPrecision(7).replace(/\.?0+(e|$)/, "$1");
}

// Whether a value is nothing but the rounding of a zero that its interval holds.
function nothing({ value, interval: [low, high] }) {
  return low < 0 && high > 0 && Math.abs(value) < 1e-3 * Math.min(-low, high);
}

// Two bounds, with as many digits as it takes to tell them apart.
function between([low, high]) {
  if (low === high) return "exact";
  for (let digits = 4; digits < 17; digits++) {
    const [a, b] = [low, high].map(x => x === null ? "∞" : x.toPrecision(digits));
    if (a !== b) return `${a} … ${b}`;
  }
  return `${low} … ${high}`;
}

function rows(properties) {
  const found = [];
  const push = (label, one) => found.push([label, nothing(one) ? "≈ 0" : figures(one.value), unitOf(one), between(one.interval)]);
  for (const [key, label] of ROWS) {
    const one = properties[key];
    if (!one) continue;
    if (one.definition) push(label, one);
    else for (const [part, inner] of Object.entries(one)) if (inner?.definition) push(`${label} ${part}`, inner);
  }
  return found;
}

async function properties(done, file) {
  const report = await json(`/v1/operations/${done.id}/as/native?units=${$("units").value}`);
  const body = $("properties").tBodies[0];
  body.replaceChildren(...rows(report.properties).map(cells => {
    const row = element("tr");
    row.append(...cells.map(text => element("td", text)));
    return row;
  }));
  for (const [name, why] of Object.entries(report.absent ?? {})) {
    const row = element("tr");
    row.append(element("td", name.replaceAll("_", " ")), element("td", why, { colSpan: 3, className: "absent" }));
    body.append(row);
  }
  $("verdict").textContent = report.verdict;
  $("verdict").dataset.verdict = report.verdict.toLowerCase();
  $("findings").replaceChildren(...report.findings.map(one => {
    const item = element("li");
    item.append(element("code", one.code), ` ${one.message}`);
    return item;
  }));
}

async function clouds(done) {
  const made = await Promise.all(CLOUDS.map(async ([dialect, label]) => {
    const box = element("div");
    const text = await json(`/v1/operations/${done.id}/as/${dialect}`).then(
      found => JSON.stringify(found, null, 2), error => error.message);
    box.append(element("h3", label), element("pre", text, { tabIndex: 0 }));
    return box;
  }));
  $("clouds").replaceChildren(...made);
}

async function model(file, options, current) {
  const figure = $("view");
  figure.replaceChildren("drawing…");
  try {
    const made = await operation("conversion", file, { ...options, to: "glb" });
    await import("/page/model-viewer.min.js");
    const content = await (await ask(Object.values(made.files)[0])).blob();
    if (current !== shown) return;
    const viewer = element("model-viewer");
    for (const [name, value] of Object.entries({ "camera-controls": "", "shadow-intensity": "0.6", exposure: "0.9", alt: "the 3D model", "interaction-prompt": "none" }))
      viewer.setAttribute(name, value);
    viewer.addEventListener("load", () => {
      for (const one of viewer.model.materials) paint(one.pbrMetallicRoughness);
      figure.dataset.loaded = "model";
    });
    viewer.addEventListener("error", () => picture(file, options, current, figure));
    viewer.src = URL.createObjectURL(content);
    figure.replaceChildren(viewer);
  } catch (error) {
    await picture(file, options, current, figure, error);
  }
}

// A part that has no colour is as white as the ground: it gets the grey of our pictures.
function paint(surface) {
  if (surface.baseColorFactor.every(share => share === 1)) surface.setBaseColorFactor([0.39, 0.46, 0.56, 1]);
  surface.setMetallicFactor(0.1);
  surface.setRoughnessFactor(0.55);
}

// Where there is no WebGL, or no GLB: the thumbnail.
async function picture(file, options, current, figure, error) {
  try {
    const made = await operation("thumbnail", file, { ...options, size: 800 });
    const content = await (await ask(Object.values(made.files)[0])).blob();
    if (current !== shown) return;
    figure.replaceChildren(element("img", undefined, { src: URL.createObjectURL(content), alt: "the model" }));
    figure.dataset.loaded = "picture";
  } catch (second) {
    figure.replaceChildren(element("p", (error ?? second).message, { className: "failed" }));
    figure.dataset.loaded = "nothing";
  }
}

async function parts(file, options, current) {
  $("tree").hidden = true;
  const made = await operation("assembly", file, options);
  const { root, parts: all } = made.result;
  if (current !== shown || all[root].children.length === 0) return;
  const lines = [];
  const walk = (id, name, depth) => {
    const own = all[id].properties.properties;
    const cell = key => own[key] ? `${figures(own[key].value)} ${unitOf(own[key])}` : "";
    lines.push([`${"  ".repeat(depth)}${name || all[id].name}`, cell("volume"), cell("mass")]);
    if (lines.length < 500) for (const use of all[id].children) walk(use.part, use.name, depth + 1);
  };
  walk(root, all[root].name, 0);
  $("tree").querySelector("tbody").replaceChildren(...lines.map(cells => {
    const row = element("tr");
    row.append(...cells.map(text => element("td", text)));
    return row;
  }));
  $("tree").hidden = false;
}

function downloads(file, name, options) {
  const stem = name.replace(/\.[^.]*$/, "");
  const save = async (button, kind, more) => {
    const before = button.textContent;
    button.disabled = true;
    try {
      const made = await operation(kind, file, { ...options, ...more }, told => { button.textContent = `${before} (${told})`; });
      for (const [own, path] of Object.entries(made.files)) {
        const link = element("a", undefined, { href: URL.createObjectURL(await (await ask(path)).blob()), download: own === "thumbnail.png" ? `${stem}.png` : own });
        link.click();
        URL.revokeObjectURL(link.href);
      }
    } catch (error) {
      $("status").textContent = error.message;
    } finally {
      button.textContent = before;
      button.disabled = false;
    }
  };
  $("downloads").replaceChildren(...[...TARGETS, ["png", "PNG"]].map(([to, label]) => {
    const button = element("button", label, { type: "button" });
    button.onclick = () => to === "png" ? save(button, "thumbnail", { size: 800 }) : save(button, "conversion", { to });
    return button;
  }));
}

async function show(file, name) {
  const current = ++shown;
  const unit = $("unit").value ? { unit: $("unit").value } : {};
  const material = $("material").value ? { material: $("material").value } : {};
  history.replaceState(null, "", `#${file}`);
  $("empty").hidden = true;
  $("result").hidden = false;
  $("name").textContent = name;
  names.set(file, name === "part" ? undefined : name);
  for (const id of ["verdict", "findings", "clouds"]) $(id).replaceChildren();
  $("properties").tBodies[0].replaceChildren();
  delete $("view").dataset.loaded;
  $("result").classList.remove("nothing");
  downloads(file, name, unit);
  const drawn = model(file, unit, current);
  try {
    const told = text => { if (current === shown) $("status").textContent = text; };
    told("measuring…");
    const done = await operation("properties", file, { ...unit, ...material }, told);
    if (current !== shown) return;
    await properties(done, file);
    await clouds(done);
    told(`measured in ${((new Date(done.ended) - new Date(done.started)) / 1000).toFixed(2)} s`);
  } catch (error) {
    if (current === shown) wrong(error);
  }
  parts(file, { ...unit, ...material }, current).catch(() => { $("tree").hidden = true; }); // said by the measurement already
  await drawn;
  await recent();
}

async function recent() {
  const { operations } = await json("/v1/operations?limit=50");
  const seen = new Set();
  const latest = operations.filter(one => one.kind === "properties" && one.inputs[0] && !seen.has(one.inputs[0].file) && seen.add(one.inputs[0].file));
  $("recent").replaceChildren(...latest.slice(0, 12).map(one => {
    const item = element("li");
    const button = element("button", undefined, { type: "button" });
    const name = one.inputs[0].name ?? one.inputs[0].file.slice(0, 12);
    button.append(element("span", name, { className: "file", title: name }), element("small", one.state === "succeeded" ? new Date(one.created).toLocaleTimeString() : one.state));
    button.onclick = () => show(one.inputs[0].file, name);
    item.append(button);
    return item;
  }));
  return latest;
}

// What went wrong, and nothing beside it: what is of no file yet, or of the one before, is not shown.
function wrong(error) {
  $("result").classList.add("nothing");
  $("tree").hidden = true;
  $("verdict").replaceChildren();
  $("status").replaceChildren(element("span", error.message, { className: "failed" }));
}

async function upload(file) {
  $("empty").hidden = true;
  $("result").hidden = false;
  $("name").textContent = file.name;
  $("status").textContent = `sending ${(file.size / 1e6).toFixed(1)} MB…`;
  try {
    const known = await json(`/v1/files?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
    await show(known.file, known.name);
  } catch (error) {
    wrong(error);
  }
}

$("file").onchange = event => event.target.files[0] && upload(event.target.files[0]);
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]])
  addEventListener(name, event => { event.preventDefault(); $("drop").classList.toggle("over", over); });
addEventListener("drop", event => event.dataTransfer.files[0] && upload(event.dataTransfer.files[0]));
$("wanted").onsubmit = event => event.preventDefault();
$("wanted").onchange = () => location.hash.length > 1 && show(location.hash.slice(1), $("name").textContent);

const { materials } = await json("/v1/materials");
$("materials").replaceChildren(...materials.map(one => element("option", undefined, { value: one.name })));
const latest = await recent();
if (location.hash.length > 1) {
  const known = latest.find(one => one.inputs[0].file === location.hash.slice(1));
  await show(location.hash.slice(1), known?.inputs[0].name ?? "part");
}
