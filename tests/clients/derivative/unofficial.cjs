// aps-sdk-node against a local server; its second argument is the host.
// node unofficial.cjs FILE [FOLDER OF node_modules]; exits 1 where anything is not as it should be.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join, basename } = require("node:path");
const { createHash } = require("node:crypto");

const [file, modules = "."] = process.argv.slice(2);
const aps = createRequire(join(modules, "package.json"))("aps-sdk-node");
const host = process.env.HOST ?? "http://localhost:1234";
const hash = (bytes) => createHash("sha256").update(Buffer.from(bytes)).digest("hex");
let failed = 0;
async function step(name, call) {
  try {
    const answer = await call();
    console.log("ok  ", name, JSON.stringify(answer)?.slice(0, 140) ?? "");
    return answer;
  } catch (error) {
    failed += 1;
    console.log("FAIL", name, error.message, error.response?.status, JSON.stringify(error.response?.data)?.slice(0, 300));
  }
}
function same(found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
  return found;
}

(async () => {
  const login = { client_id: "app", client_secret: "secret" };
  const data = new aps.DataManagementClient(login, host), client = new aps.ModelDerivativeClient(login, host);
  const bucket = `u${Date.now()}`, content = readFileSync(file), name = basename(file);
  await step("createBucket", () => data.createBucket(bucket, "transient"));
  await step("listBuckets", async () => (await data.listBuckets()).length);
  await step("getBucketDetails", () => data.getBucketDetails(bucket));
  const kept = await step("uploadObject", () => data.uploadObject(bucket, name, content));
  await step("uploadObject, three parts", async () => {
    const large = Buffer.alloc(12 * 1024 * 1024, "massproof ");
    await data.uploadObject(bucket, "large.bin", large);
    return same(hash(await data.downloadObject(bucket, "large.bin")), hash(large));
  });
  await step("listObjects", async () => (await data.listObjects(bucket)).map((one) => one.objectKey));
  await step("getObjectDetails", () => data.getObjectDetails(bucket, name));
  await step("downloadObject", async () => same(hash(await data.downloadObject(bucket, name)), hash(content)));
  await step("copyObject", () => data.copyObject(bucket, name, "copy.bin"));
  await step("createSignedUrl", async () => same(hash(await (await fetch((await data.createSignedUrl(bucket, name, "read")).signedUrl)).arrayBuffer()), hash(content)));
  const urn = aps.urnify(kept.objectId);
  await step("formats", async () => Object.keys(await client.formats()));
  await step("submitJob", () => client.submitJob(urn, [{ type: "svf2", views: ["2d", "3d"] }, { type: "obj" }]));
  let manifest;
  await step("getManifest", async () => {
    do {
      manifest = await client.getManifest(urn);
      await new Promise((r) => setTimeout(r, 200));
    } while (["pending", "inprogress"].includes(manifest.status));
    return same(manifest.status, "success");
  });
  const { data: { metadata: [view] } } = await step("getMetadata", () => client.getMetadata(urn));
  await step("getViewableTree", () => client.getViewableTree(urn, view.guid));
  await step("getViewableProperties", async () => (await client.getViewableProperties(urn, view.guid)).data.collection);
  await step("getThumbnail", async () => same(Buffer.from(await client.getThumbnail(urn, 200)).subarray(1, 4).toString(), "PNG"));
  const helper = new aps.ManifestHelper(manifest);
  for (const one of helper.search({ type: "resource" })) {
    await step(`getDerivative ${one.urn.split("/").at(-1)}`, async () => {
      const whole = await client.getDerivative(urn, one.urn);
      // getDerivativeChunked of this package asks without the cookies, and so gets 403 here as from the vendor.
      const address = `${host}/modelderivative/v2/designdata/${urn}/manifest/${one.urn}`;
      const token = await new aps.AuthenticationClient("app", "secret", host).authenticate(["data:read"]);
      const direct = await fetch(address, { headers: { Authorization: `Bearer ${token.access_token}` } });
      same(hash(await direct.arrayBuffer()), hash(whole));
      return whole.byteLength;
    });
  }
  await step("deleteManifest", () => client.deleteManifest(urn));
  await step("deleteObject", () => data.deleteObject(bucket, "copy.bin"));
  process.exit(failed ? 1 : 0);
})();
