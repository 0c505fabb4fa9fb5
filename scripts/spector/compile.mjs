// Compile the scenarios of @typespec/http-specs to OpenAPI, and write down what each of them sends and answers.
//
//     node compile.mjs FOLDER VERSION      documents into FOLDER/compiled, scenarios into FOLDER/scenarios.json

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, version] = [resolve(process.argv[2]), process.argv[3]];
const { compile, NodeHost } = await import(pathToFileURL(createRequire(join(folder, "x.js")).resolve("@typespec/compiler")));
const package_ = join(folder, "node_modules/@typespec/http-specs");

// What OpenAPI has no way to say keeps a whole document from being written, and one name makes the emitter fall over.
const patches = {
  "special-words": (text) => text.replace(/^.*\(@query constructor: string\).*$/m, ""),
  routes: (text) => text.replaceAll("?fixed=true{&param", "{?param"),
  "response/status-code-range": (text) => text.replace("@minValue(494)", "@minValue(400)"),
};

function* files(place, name) {
  for (const entry of readdirSync(place, { withFileTypes: true, recursive: true })) {
    if (entry.name === name) yield join(entry.parentPath, entry.name);
  }
}

// The address of the server is not known before it runs.
const config = { baseUrl: "http://server" };

function plain(value) {
  if (value === undefined || typeof value === "function") return undefined;
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (value.rawContent !== undefined) {
    const raw = value.rawContent?.serialize ? value.rawContent.serialize(config) : value.rawContent;
    return { contentType: value.contentType, raw: plain(raw) };
  }
  if (typeof value.serialize === "function") return plain(value.serialize(config));
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

const specs = join(folder, "specs");
cpSync(join(package_, "specs"), specs, { recursive: true });
for (const main of [...files(specs, "main.tsp")].sort()) {
  const name = relative(specs, dirname(main));
  if (patches[name]) writeFileSync(main, patches[name](readFileSync(main, "utf8")));
  const output = join(folder, "compiled", name);
  const emitter = { "emitter-output-dir": output, "openapi-versions": [version], "file-type": "json" };
  try {
    const program = await compile(NodeHost, main, { outputDir: output, emit: ["@typespec/openapi3"], options: { "@typespec/openapi3": emitter } });
    const wrong = program.diagnostics.filter((each) => each.severity === "error").map((each) => each.message);
    if (wrong.length || !existsSync(output)) console.log(`${name}: ${wrong.join("; ") || "nothing was written"}`);
  } catch (error) {
    console.log(`${name}: ${String(error).slice(0, 300)}`);
  }
}

const scenarios = [];
for (const path of [...files(join(package_, "dist/specs"), "mockapi.js")].sort()) {
  for (const [name, scenario] of Object.entries((await import(pathToFileURL(path))).Scenarios)) {
    const apis = scenario.apis.map(({ uri, method, request, response }) => ({ uri, method, request: plain(request), response: plain(response) }));
    scenarios.push({ folder: relative(join(package_, "dist/specs"), dirname(path)), name, apis });
  }
}
writeFileSync(join(folder, "scenarios.json"), JSON.stringify(scenarios));
