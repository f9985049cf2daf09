// Every file call of @kittycad/lib against a running server; prints a table.
//
//     npm install @kittycad/lib@4.5.2 --prefix SOMEWHERE
//     ZOO_HOST=http://127.0.0.1:1234 EXPECTED=expected.json LIB=SOMEWHERE node tests/clients/zoo/lib_client.mjs
//
// The package is as its vendor publishes it: only its address is another. Files go as bytes and as base64, as its own
// examples send them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(join(process.env.LIB, "node_modules", "x.js")));
const { Client, file, api_calls, unit, meta, ml } = require("@kittycad/lib");
const client = new Client({ token: "any", baseUrl: process.env.ZOO_HOST });
const expected = JSON.parse(readFileSync(process.env.EXPECTED, "utf8"));
const results = [];

function note(kind, what, how, good, more = "") {
  results.push(good);
  console.log(`${kind.padEnd(5)} ${what.padEnd(22)} ${how.padEnd(8)} ${good ? "good" : "WRONG"} ${more}`);
}

function near(got, wanted) {
  if (typeof wanted === "object") return Object.keys(wanted).every((key) => near(got[key], wanted[key]));
  return Math.abs(got - wanted) <= 1e-12 * Math.abs(wanted);
}

async function ended(answer) {
  let how = "at once";
  while (["queued", "uploaded", "in_progress"].includes(answer.status)) {
    how = "polled";
    await new Promise((done) => setTimeout(done, 50));
    answer = await api_calls.get_async_operation({ client, id: answer.id });
  }
  return [answer, how];
}

const system = { forward: { axis: "y", direction: "negative" }, up: { axis: "z", direction: "positive" } };

for (const [kind, wanted] of Object.entries(expected)) {
  const bytes = readFileSync(wanted.path);
  for (const [coded, body] of [["bytes", bytes], ["base64", bytes.toString("base64")]]) {
    const common = { client, src_format: kind, body };
    const density = { material_density: 2700, material_density_unit: "kg:m3", output_unit: "g" };
    const mass = { material_mass: wanted.mass, material_mass_unit: "g", output_unit: "kg:m3" };
    for (const [name, call, query] of [
      ["volume", file.create_file_volume, { output_unit: "cm3" }],
      ["surface_area", file.create_file_surface_area, { output_unit: "mm2" }],
      ["mass", file.create_file_mass, density],
      ["density", file.create_file_density, mass],
      ["center_of_mass", file.create_file_center_of_mass, { output_unit: "mm" }],
    ]) {
      const [answer, how] = await ended(await call({ ...common, ...query }));
      note(kind, `${name}, ${coded}`, how, near(answer[name], wanted[name]), answer.error ?? "");
    }
    if (file.create_file_bounding_box) {
      const [answer, how] = await ended(await file.create_file_bounding_box({ ...common, output_unit: "mm" }));
      note(kind, `bounding_box, ${coded}`, how, near(answer.bounding_box.dimensions, wanted.dimensions));
    }
  }
  for (const output_format of ["stl", "obj", "ply", "step", "gltf", "glb"]) {
    const [answer, how] = await ended(
      await file.create_file_conversion({ client, src_format: kind, output_format, body: bytes }),
    );
    const text = answer.outputs?.[`source.${output_format}`];
    note(kind, `to ${output_format}`, how, text?.length > 100, answer.error ?? `${text.length} characters`);
  }
  const units = kind === "step" ? {} : { units: "mm" };
  const [answer, how] = await ended(
    await file.create_file_conversion_options({
      client,
      files: [{ name: basename(wanted.path), data: new Blob([bytes]) }],
      body: { src_format: { type: kind, coords: system, ...units }, output_format: { type: "step", units: "mm" } },
    }),
  );
  note(kind, "to step, options", how, answer.outputs?.["source.step"]?.length > 100, answer.error ?? "");
}

const open = await file.create_file_volume({
  client, src_format: "stl", body: readFileSync(expected.stl.path.replace("bracket", "open_box")),
});
const [failed] = await ended(open);
note("", "open mesh", "", failed.status === "failed" && failed.volume === undefined, failed.error.slice(0, 60));
try {
  await api_calls.get_async_operation({ client, id: "8f0b6c1e-0000-4000-8000-000000000001" });
  note("", "unknown id", "", false);
} catch (error) {
  note("", "unknown id", "", error.status === 404, `${error.constructor.name}: ${error.message}`);
}
note("", "ping", "", (await meta.ping({ client })).message === "pong");
const inch = await unit.get_length_unit_conversion({ client, input_unit: "mm", output_unit: "in", value: 25.4 });
note("", "unit conversion", "", inch.output === 1);
const prompts = await ml.list_text_to_cad_parts_for_user({ client, limit: 5 });
note("", "list of prompts", "", Array.isArray(prompts.items));
console.log(`${results.filter(Boolean).length} of ${results.length} are as they should be`);
process.exit(results.every(Boolean) ? 0 : 1);
