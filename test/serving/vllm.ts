/** A server that behaves like vLLM's where this program meets it: models, completions, adapters loaded from a folder. It misbehaves as told. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import type { Model } from "../../src/model/load";
import { generate, type GenerateOptions } from "../../src/lora/generate";
import { loadAdapter } from "../../src/lora/files";
import type { Adapter } from "../../src/lora/adapter";

/** What is wrong with the server. */
export interface Faults {
  readonly models?: readonly string[];
  readonly noRuntimeAdapters?: boolean;
  /** Started without --enable-lora. */
  readonly noAdapters?: boolean;
  readonly largestRank?: number;
  /** Sees no folder of ours. */
  readonly otherDisk?: boolean;
  /** What the first so many completions are answered with. */
  readonly first?: {
    readonly count: number;
    readonly answer: "busy" | "rubbish" | "cut" | "error" | "page";
  };
}

/** A running server. */
export interface FakeServer {
  readonly url: string;
  readonly loaded: ReadonlyMap<string, Adapter>;
  readonly requests: string[];
  close(): Promise<void>;
}

interface Body {
  lora_name?: string;
  lora_path?: string;
  model?: string;
  prompt?: number[];
  max_tokens?: number;
  temperature?: number;
  stop?: string[];
}

/** Starts it; the texts are those of the model itself. */
export async function startFakeServer(model: Model, faults: Faults = {}): Promise<FakeServer> {
  const loaded = new Map<string, Adapter>();
  const requests: string[] = [];
  let completions = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const body = (text === "" ? {} : JSON.parse(text)) as Body;
    const route = (request.url ?? "").replace("/v1/", "");
    requests.push(route);
    const send = (status: number, value: unknown): void =>
      void response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify(value));
    const refuse = (status: number, message: string): void => send(status, { error: { message } });
    if (route === "models")
      return send(200, {
        data: (faults.models ?? ["base"]).map((id) => ({ id, object: "model" })),
      });
    if (route.endsWith("lora_adapter")) {
      if (faults.noRuntimeAdapters) return send(404, { detail: "Not Found" });
      if (faults.noAdapters)
        return refuse(400, "LoRA is not enabled. Use --enable-lora to enable.");
      const { lora_name: name = "", lora_path: place = "" } = body;
      if (route.startsWith("unload"))
        return loaded.delete(name) ? send(200, "ok") : refuse(404, "no such adapter");
      const file = path.join(place, "adapter_config.json");
      if (faults.otherDisk || !existsSync(file))
        return refuse(404, `No adapter found for ${place}`);
      const { r } = JSON.parse(readFileSync(file, "utf8")) as { r: number };
      const most = faults.largestRank ?? 1000;
      if (r > most) return refuse(400, `LoRA rank ${r} is greater than max_lora_rank ${most}.`);
      loaded.set(name, await loadAdapter(model, place));
      return send(200, "Success");
    }
    const fault = completions++ < (faults.first?.count ?? 0) ? faults.first?.answer : undefined;
    if (fault === "cut") return void request.socket.destroy();
    if (fault === "busy") return refuse(503, "busy");
    if (fault === "rubbish") return send(200, { choices: [] });
    if (fault === "error") return refuse(200, "The engine is starting.");
    if (fault === "page") return void response.end("<html><title>Welcome</title></html>");
    const adapter = loaded.get(body.model ?? "");
    if (!adapter && body.model !== "base")
      return refuse(404, `The model ${body.model} does not exist.`);
    const options: GenerateOptions = {
      maximumTokens: body.max_tokens ?? 16,
      ...(adapter ? { adapter } : {}),
      ...(body.stop ? { stop: body.stop } : {}),
    };
    const [generated] = await generate(model, [body.prompt ?? []], options);
    send(200, { choices: [{ index: 0, text: generated.text, finish_reason: "length" }] });
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    loaded,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
