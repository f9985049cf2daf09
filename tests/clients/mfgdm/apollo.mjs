// Acceptance by hand: Apollo Client with its normalised cache, unmodified but for the address.
//
//   cd somewhere && npm i @apollo/client graphql rxjs
//   cp .../tests/clients/mfgdm/apollo.mjs . && node apollo.mjs http://127.0.0.1:1234 [HUB PROJECT ITEM]
//
// Polls physical properties of v2 and v3 as the tutorials do, walks an assembly, reads everything again from the cache
// alone, asks anew past the cache, and compares: every object with an id is the same in both.

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import assert from "node:assert";

const [base, hubName, projectName, itemName] = process.argv.slice(2);
const possibleTypes = { Item: ["DesignItem", "BasicItem", "DrawingItem", "ConfiguredDesignItem"] };

function client(path) {
  return new ApolloClient({
    link: new HttpLink({ uri: base + path, headers: { Authorization: "Bearer any" } }),
    cache: new InMemoryCache({ possibleTypes }),
  });
}

const ALL = gql`
  fragment all on Property { name displayValue value definition { id name specification units { id name } } }
`;
const PHYSICAL = `physicalProperties { status area { ...all } volume { ...all } density { ...all } mass { ...all }
  boundingBox { length { ...all } width { ...all } height { ...all } } }`;
const ROOTS = { v2: "tipRootComponentVersion { id name }", v3: "tipRootModel { id name { displayValue } }" };
const FIND = (api) => gql`query Find($hub: String!, $project: String!, $item: String!) {
  hubs(filter: { name: $hub }) { results { id name projects(filter: { name: $project }) { results { id name
    items(filter: { name: $item }) { results { id name ... on DesignItem { root: ${ROOTS[api]} } } } } } } } }`;
const READ = {
  v2: gql`query Read($id: ID!) { it: componentVersion(componentVersionId: $id) { id name partNumber materialName ${PHYSICAL}
    thumbnail { id status signedUrl expires } derivatives(derivativeInput: { outputFormat: STL, generate: true }) { id status signedUrl }
    allOccurrences { results { id parentComponentVersion { id name } componentVersion { id name ${PHYSICAL} } } } } } ${ALL}`,
  v3: gql`query Read($id: ID!) { it: model(modelId: $id) { id name { ...all } ${PHYSICAL}
    thumbnail { id status signedUrl expires } derivatives(derivativeInput: { outputFormat: STL, generate: true }) { id status signedUrl }
    assemblyRelations(depth: 9) { results { fromModel { id } toModel { id name { ...all } ${PHYSICAL} } } }
    component { id partNumber { ...all } bomRelations(depth: 9) { results { id quantity toComponent { id name { ...all } } } } } } } ${ALL}`,
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (const [api, path] of [["v2", "/mfg/graphql"], ["v3", "/mfg/v3/graphql/public"], ["v3", "/mfg/v3/graphql"]]) {
  const apollo = client(path);
  const found = await apollo.query({ query: FIND(api), variables: { hub: hubName, project: projectName, item: itemName } });
  const { id } = found.data.hubs.results[0].projects.results[0].items.results[0].root;
  let read, asked = 0;
  for (;;) {
    read = await apollo.query({ query: READ[api], variables: { id }, fetchPolicy: "network-only" });
    asked += 1;
    const { physicalProperties, thumbnail, derivatives } = read.data.it;
    if (physicalProperties.status === "COMPLETED" && thumbnail.status === "SUCCESS" && derivatives[0].status === "SUCCESS") break;
    assert(asked < 600, `still ${physicalProperties.status}, ${thumbnail.status}, ${derivatives[0].status}`);
    await sleep(100);
  }
  const stable = (cache) => {
    const all = structuredClone(cache.extract());
    for (const one of Object.values(all)) { delete one.signedUrl; delete one.expires; } // new each time
    return all;
  };
  const first = stable(apollo.cache);
  const cached = await apollo.query({ query: READ[api], variables: { id }, fetchPolicy: "cache-only" });
  assert.deepStrictEqual(cached.data, read.data); // nothing was overwritten by another object of the same id
  const { area, volume, boundingBox } = cached.data.it.physicalProperties;
  for (const one of [area, volume, ...Object.values(boundingBox).filter((x) => x?.displayValue)]) assert.strictEqual(Number(one.displayValue), one.value);
  await apollo.query({ query: READ[api], variables: { id }, fetchPolicy: "network-only" });
  assert.deepStrictEqual(stable(apollo.cache), first);
  const other = client(path);
  await other.query({ query: READ[api], variables: { id } });
  for (const [key, value] of Object.entries(stable(other.cache))) if (key !== "ROOT_QUERY") assert.deepStrictEqual(value, first[key] && Object.fromEntries(Object.entries(first[key]).filter(([k]) => k in value)), key);
  const bytes = await fetch(read.data.it.thumbnail.signedUrl).then((answer) => answer.arrayBuffer());
  const kinds = {};
  for (const key of Object.keys(first)) kinds[key.split(":")[0]] = (kinds[key.split(":")[0]] ?? 0) + 1;
  console.log(path, `COMPLETED after ${asked} questions; volume ${volume.displayValue} ${volume.definition.units.name}; thumbnail ${bytes.byteLength} bytes; cache`, JSON.stringify(kinds));
}
console.log("ok");
