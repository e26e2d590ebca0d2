/** The hub: the user's token goes to the hub alone, refusals say what to do, GGUF models and all text files are fetched. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { modelShape } from "../../src/model/shape";
import { resolveModel, type ModelFiles } from "../../src/model/sources";

const test = suite<{ folder: string; environment: NodeJS.ProcessEnv }>("hub access");
test.before.each((context) => {
  context.folder = mkdtempSync(path.join(tmpdir(), "seal hub "));
  context.environment = { ...process.env };
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"])
    delete process.env[name];
  process.env.HF_HOME = path.join(context.folder, "home");
  process.env.SEAL_CACHE = path.join(context.folder, "cache");
});
test.after.each((context) => {
  process.env = context.environment;
  rmSync(context.folder, { recursive: true });
});

const commit = "c".repeat(40);

/** What a server was asked: the address and the Authorization header. */
type Asked = [url: string, authorization: string | undefined][];

async function serving<T>(
  listener: RequestListener,
  use: (base: string, asked: Asked) => Promise<T>,
): Promise<T> {
  const asked: Asked = [];
  const server = createServer((request, response) => {
    asked.push([request.url ?? "", request.headers.authorization]);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A hub with one repository, maker/m; `place` may send the files elsewhere. */
function hub(
  files: Record<string, string>,
  place?: (name: string) => string | undefined,
): RequestListener {
  return ({ url = "" }, response) => {
    const prefix = `/maker/m/resolve/${commit}/`;
    const name = url.slice(prefix.length);
    const elsewhere = place?.(name);
    if (url.startsWith("/api/models/maker/m/revision/"))
      response.end(
        JSON.stringify({
          sha: commit,
          siblings: Object.entries(files).map(([rfilename, { length: size }]) => ({
            rfilename,
            size,
          })),
        }),
      );
    else if (url.startsWith(prefix) && elsewhere !== undefined)
      response.writeHead(302, { location: elsewhere }).end();
    else if (url.startsWith(prefix) && name in files) response.end(files[name]);
    else response.writeHead(404, { "x-error-code": "RepoNotFound" }).end();
  };
}

const model = { "config.json": "{}", "model.safetensors": "weights", "tokenizer.json": "{}" };

async function refusal(id: string): Promise<string> {
  const failed = await resolveModel(id).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(failed, UserError);
  return (failed as UserError).message;
}

test("the token goes to the hub, and not to another host that it redirects to", async () => {
  process.env.HF_TOKEN = " hf_secret\n";
  await serving(
    (_request, response) => response.end("weights"),
    (elsewhere, askedElsewhere) => {
      const place = (name: string): string | undefined =>
        name === "model.safetensors"
          ? `${elsewhere}/signed?x=1`
          : name === "tokenizer.json"
            ? "/moved/tokenizer.json"
            : undefined;
      const own = hub(model, place);
      const listener: RequestListener = (request, response) => {
        if (request.url === "/moved/tokenizer.json") response.end("{}");
        else own(request, response);
      };
      return serving(listener, async (base, asked) => {
        process.env.HF_ENDPOINT = `${base}/`;
        const found = await resolveModel("hub:maker/m");
        assert.ok(found.kind === "huggingface");
        assert.is(readFileSync(path.join(found.directory, "model.safetensors"), "utf8"), "weights");
        assert.equal(askedElsewhere, [["/signed?x=1", undefined]]);
        assert.is(asked.length, 5);
        for (const [url, authorization] of asked) assert.is(authorization, "Bearer hf_secret", url);
      });
    },
  );
});

test("where the token is looked for", async ({ folder }) => {
  const sent = (): Promise<string | undefined> =>
    serving(hub({ ...model, [`x${Math.random()}`]: "" }), async (base, asked) => {
      process.env.HF_ENDPOINT = base;
      rmSync(path.join(folder, "cache"), { recursive: true, force: true });
      await resolveModel("hub:maker/m");
      return asked[0][1];
    });
  assert.is(await sent(), undefined);
  mkdirSync(path.join(folder, "home"));
  writeFileSync(path.join(folder, "home/token"), "hf_home\n");
  assert.is(await sent(), "Bearer hf_home");
  writeFileSync(path.join(folder, "other"), "hf_path");
  process.env.HF_TOKEN_PATH = path.join(folder, "other");
  assert.is(await sent(), "Bearer hf_path");
  process.env.HUGGING_FACE_HUB_TOKEN = "hf_old";
  assert.is(await sent(), "Bearer hf_old");
  process.env.HF_TOKEN = "hf_new";
  assert.is(await sent(), "Bearer hf_new");
  process.env.HF_HUB_DISABLE_IMPLICIT_TOKEN = "1";
  assert.is(await sent(), undefined);
  delete process.env.HF_HUB_DISABLE_IMPLICIT_TOKEN;
  process.env.HF_TOKEN = "hf with spaces";
  assert.match(await refusal("hub:maker/m2"), /^HF_TOKEN holds no token of the hub/);
});

/** A server that refuses everything. */
function refusing(status: number, code?: string, message?: string): RequestListener {
  const headers = {
    ...(code && { "x-error-code": code }),
    ...(message && { "x-error-message": message }),
  };
  return (_request, response) => response.writeHead(status, headers).end();
}

test("refusals say what is the matter and what to do, with the hub's own words", async () => {
  const gated = "Access to model maker/m is restricted.";
  const cases: [RequestListener, boolean, RegExp][] = [
    [
      refusing(401, "GatedRepo", gated),
      false,
      /^hub:maker\/m is gated: accept the licence at http:\/\/127[^ ]*\/maker\/m and set HF_TOKEN \(.*\/settings\/tokens\)\.\nThe hub says: Access to model maker\/m is restricted\.$/,
    ],
    [refusing(401), false, /is gated: accept the licence at .* and set HF_TOKEN/],
    [refusing(403), false, /is gated: accept the licence at .* and set HF_TOKEN/],
    [
      refusing(403, "GatedRepo", gated),
      true,
      /is gated, and the token in HF_TOKEN does not open it: accept the licence at .*\nThe hub says: Access/,
    ],
    [refusing(403), true, /the token in HF_TOKEN does not open it/],
    [
      refusing(401, undefined, "Invalid credentials in Authorization header"),
      true,
      /^The hub refuses the token in HF_TOKEN: .*\nThe hub says: Invalid credentials/,
    ],
    [
      refusing(401, "RepoNotFound", "Repository not found"),
      false,
      /^There is no public hub:maker\/m at .*If it is private, set HF_TOKEN/,
    ],
    [
      refusing(404, "RepoNotFound", "Repository not found"),
      true,
      /^There is no hub:maker\/m at .* that the token in HF_TOKEN may see/,
    ],
    [
      refusing(404, "RevisionNotFound", "Invalid rev id: main"),
      false,
      /^hub:maker\/m has no revision "main"\.\nThe hub says: Invalid rev id/,
    ],
    [refusing(404), false, /^There is no hub:maker\/m at .* \(404\)\.$/],
    [
      refusing(403, undefined, "Access to this resource is disabled."),
      true,
      /^hub:maker\/m cannot be had\.\nThe hub says: Access to this resource is disabled/,
    ],
    [refusing(400), false, /the server answered 400/],
  ];
  for (const [listener, withToken, message] of cases) {
    if (withToken) process.env.HF_TOKEN = "hf_x";
    else delete process.env.HF_TOKEN;
    await serving(listener, async (base) => {
      process.env.HF_ENDPOINT = base;
      const said = await refusal("hub:maker/m");
      assert.match(said, message);
      assert.not.match(said, /hf_x/);
      assert.ok(said.split("\n").length <= 2);
    });
  }
});

test("an open repository whose files are gated: the files' refusal is explained too", async () => {
  const open = hub(model);
  const listener: RequestListener = (request, response) =>
    request.url?.startsWith("/api/")
      ? open(request, response)
      : refusing(401, "GatedRepo", "Restricted.")(request, response);
  await serving(listener, async (base) => {
    process.env.HF_ENDPOINT = base;
    assert.match(await refusal("hub:maker/m"), /is gated: accept the licence/);
    await modelShape("hub:maker/m").then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /is gated: accept the licence/),
    );
  });
});

test("a refusal of another server is not taken for the hub's", async () => {
  await serving(refusing(403), (elsewhere) =>
    serving(
      hub(model, () => `${elsewhere}/signed`),
      async (base) => {
        process.env.HF_ENDPOINT = base;
        assert.match(await refusal("hub:maker/m"), /failed: the server answered 403/);
      },
    ),
  );
});

test("text files: special tokens and named templates are fetched and kept", async () => {
  const files = {
    ...model,
    "special_tokens_map.json": "{}",
    "additional_chat_templates/tool_use.jinja": "tools",
    "additional_chat_templates/sub/x.jinja": "no",
    "pytorch_model.bin": "pickle",
  };
  await serving(hub(files), async (base, asked) => {
    process.env.HF_ENDPOINT = base;
    const found = await resolveModel("hub:maker/m");
    assert.ok(found.kind === "huggingface");
    assert.equal(
      found.inputs.map(({ name }) => name),
      [
        "additional_chat_templates/tool_use.jinja",
        "config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
      ],
    );
    const template = path.join(found.directory, "additional_chat_templates/tool_use.jinja");
    assert.is(readFileSync(template, "utf8"), "tools");
    const before = asked.length;
    assert.equal(await resolveModel("hub:maker/m"), found);
    assert.is(asked.length, before);
    writeFileSync(template, "changed");
    await resolveModel("hub:maker/m");
    assert.is(readFileSync(template, "utf8"), "tools");
  });
});

test("GGUF: one alone, a split one, one of several by its name", async () => {
  const names = (found: ModelFiles): string[] => found.inputs.map(({ name }) => name);
  const parts = ["q-00001-of-00002.gguf", "q-00002-of-00002.gguf"];
  const several = {
    "a.gguf": "A",
    "b.gguf": "B",
    [`q8/${parts[0]}`]: "1",
    [`q8/${parts[1]}`]: "2",
  };
  const tried: [Record<string, string>, string, string[] | RegExp][] = [
    [{ "README.md": "", "a.gguf": "A" }, "hub:maker/m", ["a.gguf"]],
    [{ [parts[0]]: "1", [parts[1]]: "2", "config.json": "{}" }, "hub:maker/m", parts],
    [
      { [parts[0]]: "1" },
      "hub:maker/m",
      /split into 2 files, and q-00002-of-00002\.gguf is missing/,
    ],
    [
      several,
      "hub:maker/m",
      /holds 2 GGUF models \(a\.gguf, b\.gguf\): name one, as hub:maker\/m:a\.gguf/,
    ],
    [several, "hub:maker/m:b.gguf", ["b.gguf"]],
    [several, `hub:maker/m@main:q8/${parts[0]}`, parts],
    [several, "hub:maker/m:c.gguf", /^hub:maker\/m has no file c\.gguf\./],
  ];
  for (const [files, id, expected] of tried)
    await serving(hub(files), async (base) => {
      process.env.HF_ENDPOINT = base;
      rmSync(process.env.SEAL_CACHE ?? "", { recursive: true, force: true });
      if (expected instanceof RegExp) return assert.match(await refusal(id), expected);
      const found = await resolveModel(id);
      assert.ok(found.kind === "gguf" && existsSync(found.path));
      assert.is(path.basename(found.path), expected[0]);
      assert.equal(names(found), expected);
    });
});

test.run();
