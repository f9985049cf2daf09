// The official packages against a local server, unmodified: their environment "Local" is http://localhost:1234; HOST is another.
// node official.mjs FILE [FOLDER OF node_modules]; exits 1 where anything is not as it should be.
import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { basename, join } from "node:path";
import { tmpdir } from "node:os";

const [file, modules = "."] = process.argv.slice(2);
const need = createRequire(join(modules, "package.json"));
const { SdkManagerBuilder, ApsConfiguration, AdskEnvironment, StaticAuthenticationProvider } = need("@aps_sdk/autodesk-sdkmanager");
const { AuthenticationClient, Scopes, ResponseType, TokenTypeHint } = need("@aps_sdk/authentication");
const { OssClient, Region, PolicyKey } = need("@aps_sdk/oss");
const md = need("@aps_sdk/model-derivative");

let failed = 0;
async function step(name, call) {
  try {
    const answer = await call();
    console.log("ok  ", name, JSON.stringify(answer)?.slice(0, 140) ?? "");
    return answer;
  } catch (error) {
    failed += 1;
    console.log("FAIL", name, error.message, error.stack?.split("\n")[1]);
  }
}
function same(found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
  return found;
}
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

const host = process.env.HOST ?? "http://localhost:1234", configuration = new ApsConfiguration({ environment: AdskEnvironment.Local });
if (process.env.HOST) configuration.baseAddress = new URL(host);
const sdkManager = SdkManagerBuilder.create().addApsConfiguration(configuration).build();
const auth = new AuthenticationClient({ sdkManager });
const token = await step("getTwoLeggedToken", () =>
  auth.getTwoLeggedToken("app", "secret", [Scopes.DataRead, Scopes.DataWrite, Scopes.DataCreate, Scopes.BucketCreate, Scopes.BucketRead, Scopes.BucketDelete]));
await step("introspectToken", async () => { const a = await auth.introspectToken(token.access_token, "app", { clientSecret: "secret" }); same(a.active, true); return a; });
await step("getKeys", () => auth.getKeys());
await step("three legs", async () => {
  const url = auth.authorize("app", ResponseType.Code, "http://localhost:9/back", [Scopes.DataRead], { state: "s" });
  const went = await fetch(url.replace(/^https?:\/\/[^/]+/, host), { redirect: "manual" });
  const code = new URL(went.headers.get("location")).searchParams.get("code");
  const three = await auth.getThreeLeggedToken("app", code, "http://localhost:9/back", { clientSecret: "secret" });
  const again = await auth.refreshToken(three.refresh_token, "app", { clientSecret: "secret" });
  await auth.revoke(again.access_token, "app", TokenTypeHint.AccessToken, { clientSecret: "secret" });
  same((await auth.introspectToken(again.access_token, "app", { clientSecret: "secret" })).active, false);
  return [went.status, Object.keys(three), Object.keys(again)];
});

const authenticationProvider = new StaticAuthenticationProvider(token.access_token);
const oss = new OssClient({ sdkManager, authenticationProvider });
const bucket = `b${Date.now()}`;
await step("createBucket", () => oss.createBucket(Region.Us, { bucketKey: bucket, policyKey: PolicyKey.Transient }));
await step("getBuckets", async () => (await oss.getBuckets({ limit: 2 })).items.length);
await step("getBucketDetails", () => oss.getBucketDetails(bucket));
const content = readFileSync(file), name = basename(file);
const kept = await step("uploadObject, one part", async () => { const a = await oss.uploadObject(bucket, name, file, {}); same(a.size, content.length); return a; });
await step("uploadObject, a key with blanks and umlauts", () => oss.uploadObject(bucket, `my böx/${name}`, content, {}));
const large = Buffer.alloc(12 * 1024 * 1024, "massproof "), folder = mkdtempSync(join(tmpdir(), "massproof-"));
await step("uploadObject, three parts", async () => {
  const a = await oss.uploadObject(bucket, "large.bin", large, {});
  same(a.size, large.length);
  // downloadObject of this package pipes its ranges of 5 MiB into one file all at once: whole files only come by address.
  const { url } = await oss.signedS3Download(bucket, "large.bin");
  same(hash(Buffer.from(await (await fetch(url)).arrayBuffer())), hash(large));
  return a.sha1;
});
await step("downloadObject", async () => {
  await oss.downloadObject(bucket, name, join(folder, name), {});
  await new Promise((r) => setTimeout(r, 500)); // it returns before the file is written
  return same(hash(readFileSync(join(folder, name))), hash(content));
});
await step("getObjects", async () => (await oss.getObjects(bucket, { limit: 2 })));
await step("getObjectDetails", () => oss.getObjectDetails(bucket, `my böx/${name}`));
await step("signedS3Download", () => oss.signedS3Download(bucket, name));
await step("batchSignedS3Upload", () => oss.batchSignedS3Upload(bucket, { requests: [{ objectKey: "x.bin", firstPart: 1, parts: 2 }] }));
await step("batchSignedS3Download", () => oss.batchSignedS3Download(bucket, { requests: [{ objectKey: name }] }));
await step("copyTo", () => oss.copyTo(bucket, name, "copy.bin"));
await step("createSignedResource", async () => { const a = await oss.createSignedResource(bucket, name, {}); same(hash(Buffer.from(await (await fetch(a.signedUrl)).arrayBuffer())), hash(content)); return a; });

const client = new md.ModelDerivativeClient({ sdkManager, authenticationProvider });
const urn = Buffer.from(kept.objectId).toString("base64url");
await step("getFormats", async () => Object.keys((await client.getFormats()).formats));
await step("startJob", () => client.startJob({ input: { urn }, output: { formats: [
  { type: md.OutputType.Svf2, views: [md.View._3d] }, { type: md.OutputType.Stl, advanced: { format: "binary" } },
  { type: md.OutputType.Obj, advanced: { unit: "inch" } }, { type: md.OutputType.Step }, { type: md.OutputType.Thumbnail, advanced: { width: 200, height: 200 } },
] } }));
let manifest;
await step("getManifest until it is done", async () => {
  const seen = [];
  do {
    manifest = await client.getManifest(urn);
    if (seen.at(-1) !== manifest.status) seen.push(manifest.status);
    await new Promise((r) => setTimeout(r, 200));
  } while (["pending", "inprogress"].includes(manifest.status));
  same(manifest.status, "success");
  return [seen, manifest.derivatives.map((d) => [d.outputType, d.status])];
});
const views = await step("getModelViews", () => client.getModelViews(urn));
const guid = views.data.metadata[0].guid;
await step("getObjectTree", () => client.getObjectTree(urn, guid));
const properties = await step("getAllProperties", () => client.getAllProperties(urn, guid));
await step("fetchSpecificProperties", () => client.fetchSpecificProperties(urn, guid, {
  query: { $in: ["objectid", 1] }, fields: ["objectid", "name", "properties.Mass Properties.*"], pagination: { offset: 0, limit: 20 }, payload: md.Payload?.Text ?? "text" }));
await step("getThumbnail", async () => (await client.getThumbnail(urn, { width: 100, height: 100 })) !== undefined);
for (const resource of manifest.derivatives.flatMap((d) => (d.children ?? []).filter((c) => c.type === "resource"))) {
  await step(`getDerivativeUrl ${resource.urn.split("/").at(-1)}`, async () => {
    const answer = await client.getDerivativeUrl(resource.urn, urn);
    const got = Buffer.from(await (await fetch(answer.url)).arrayBuffer());
    const direct = await fetch(`${host}/modelderivative/v2/designdata/${urn}/manifest/${encodeURIComponent(resource.urn)}`, { headers: { Authorization: `Bearer ${token.access_token}` } });
    same(hash(got), hash(Buffer.from(await direct.arrayBuffer())));
    writeFileSync(join(folder, resource.urn.split("/").at(-1)), got);
    return got.length;
  });
  await step("headCheckDerivative", async () => { const a = await client.headCheckDerivative(urn, resource.urn); return [a.response?.status ?? a.status, (a.response ?? a).headers?.["content-length"]]; });
}
await step("specifyReferences", () => client.specifyReferences(urn, { urn, region: "US", filename: name, references: [{ urn, relativePath: "a.stl", filename: "a.stl" }] }));
await step("startJob again", () => client.startJob({ input: { urn }, output: { formats: [{ type: md.OutputType.Stl, advanced: { format: "binary" } }] } }));
await step("deleteManifest", () => client.deleteManifest(urn));
await step("deleteObject", async () => (await oss.deleteObject(bucket, "copy.bin"))?.status ?? "done");
await step("deleteBucket", async () => (await oss.deleteBucket(bucket))?.status ?? "done");
console.log(JSON.stringify(properties?.data?.collection?.[0]), "files in", folder);
process.exit(failed ? 1 : 0);
