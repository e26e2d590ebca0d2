/** Downloads from a local server that misbehaves: complete and right, or absent. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { downloadFile, downloadText, type DownloadOptions } from "../../src/files/download";
import { UserError } from "../../src/messages/errors";

const body = Buffer.alloc(300_000, "seal ");
const sha256 = createHash("sha256").update(body).digest("hex");
const quick: DownloadOptions = { backOff: 1, timeout: 300, attempts: 3 };

const test = suite<{ folder: string }>("download");
test.before.each((context) => {
  context.folder = mkdtempSync(path.join(tmpdir(), "seal download "));
});
test.after.each((context) => {
  rmSync(context.folder, { recursive: true });
});

async function serving<T>(
  listener: RequestListener,
  use: (url: string) => Promise<T>,
): Promise<{ result: T; requests: number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return { result: await use(`http://127.0.0.1:${port}/file.bin`), requests };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function failure(folder: string, listener: RequestListener, options: DownloadOptions) {
  const { result, requests } = await serving(listener, async (url) => {
    try {
      await downloadFile(url, path.join(folder, "file"), options);
    } catch (error) {
      assert.instance(error, UserError);
      return (error as UserError).message;
    }
    throw new Error("the download was accepted");
  });
  assert.equal(readdirSync(folder), [], "nothing may be left");
  assert.not.match(result, /\n/);
  return { message: result, requests };
}

test("a good file arrives whole, with its digest and progress", async ({ folder }) => {
  const seen: [number, number | undefined][] = [];
  const destination = path.join(folder, "new", "file");
  const { result, requests } = await serving(
    (_request, response) => response.writeHead(200, { "content-length": body.length }).end(body),
    (url) =>
      downloadFile(url, destination, {
        ...quick,
        sha256,
        size: body.length,
        progress: (received, total) => seen.push([received, total]),
      }),
  );
  assert.equal(result, { size: body.length, sha256 });
  assert.is(requests, 1);
  assert.ok(readFileSync(destination).equals(body));
  assert.equal(seen.at(-1), [body.length, body.length]);
  assert.equal(readdirSync(path.dirname(destination)), ["file"]);
});

test("a cut connection is tried again", async ({ folder }) => {
  let calls = 0;
  const { requests } = await serving(
    (_request, response) => {
      calls += 1;
      response.writeHead(200, { "content-length": body.length });
      if (calls < 3) response.write(body.subarray(0, 1000), () => response.destroy());
      else response.end(body);
    },
    (url) => downloadFile(url, path.join(folder, "file"), quick),
  );
  assert.is(requests, 3);
  assert.ok(readFileSync(path.join(folder, "file")).equals(body));
});

test("a connection that is always cut fails after the last try", async ({ folder }) => {
  const { requests } = await failure(
    folder,
    (_request, response) => {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 1000), () => response.destroy());
    },
    quick,
  );
  assert.is(requests, 3);
});

test("a short body without a declared length is found by the expected size", async ({ folder }) => {
  const { message } = await failure(
    folder,
    (_request, response) => response.end(body.subarray(0, 1000)),
    { ...quick, size: body.length },
  );
  assert.match(message, /1000 bytes came, 300000 were expected/);
});

test("404 is final, 500 is tried again", async ({ folder }) => {
  const missing = await failure(
    folder,
    (_request, response) => response.writeHead(404).end(),
    quick,
  );
  assert.match(missing.message, /file\.bin failed: the server answered 404 Not Found/);
  assert.is(missing.requests, 1);
  const broken = await failure(
    folder,
    (_request, response) => response.writeHead(500).end(),
    quick,
  );
  assert.match(broken.message, /500/);
  assert.is(broken.requests, 3);
});

test("a wrong hash is refused at once", async ({ folder }) => {
  const { message, requests } = await failure(
    folder,
    (_request, response) => response.end(body.subarray(1)),
    { ...quick, sha256 },
  );
  assert.match(message, new RegExp(`expected ${sha256}`));
  assert.is(requests, 1);
});

test("a server that falls silent is given up, before and within the body", async ({ folder }) => {
  const mute = await failure(folder, () => undefined, { ...quick, attempts: 1 });
  assert.match(mute.message, /nothing came for 0\.3 s/);
  const stuck = await failure(
    folder,
    (_request, response) => {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 1000));
    },
    { ...quick, attempts: 1 },
  );
  assert.match(stuck.message, /nothing came for 0\.3 s/);
});

test("an endless body stops at the limit", async ({ folder }) => {
  const { message } = await failure(
    folder,
    (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(body));
      };
      response.on("drain", more);
      more();
    },
    { ...quick, maximumSize: 1_000_000 },
  );
  assert.match(message, /longer than 1000000 bytes/);
});

test("nobody listening is a one-line error", async ({ folder }) => {
  const { result } = await serving(
    () => undefined,
    (url) => Promise.resolve(url),
  );
  try {
    await downloadFile(result, path.join(folder, "file"), { ...quick, attempts: 1 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, UserError);
    assert.match((error as UserError).message, /^Download of http:\S+ failed: .*ECONNREFUSED.*$/);
  }
});

test("a text comes with its content type", async () => {
  const { result } = await serving(
    (request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end(`got ${request.headers.accept}`),
    (url) => downloadText(url, "application/json", quick),
  );
  assert.is(result.text, "got application/json");
  assert.is(result.contentType, "text/html");
});

test.run();
