/** A real HTTP server that answers chat requests, and misbehaves where a test says so. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server does with one request. */
export type Behaviour =
  | { readonly kind: "reply"; readonly text: string; readonly finish?: string }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly retryAfter?: string;
      readonly error?: object;
    }
  | { readonly kind: "raw"; readonly body: string; readonly type?: string }
  | { readonly kind: "hang" }
  | { readonly kind: "cut" }
  | { readonly kind: "half" };

/** A request that the server received. */
export interface Received {
  readonly path: string;
  readonly authorization?: string;
  readonly body: {
    model: string;
    messages: { role: string; content: string }[];
    temperature?: number;
    max_tokens?: number;
    max_completion_tokens?: number;
  };
  readonly at: number;
}

/** A running server. */
export interface TestServer {
  readonly baseUrl: string;
  readonly received: Received[];
  /** The most requests that were open at once. */
  mostAtOnce(): number;
  close(): Promise<void>;
}

/** Starts a server on a free port; `behave` decides on each request, numbered from 0. */
export async function startServer(
  behave: (index: number, request: Received) => Behaviour | Promise<Behaviour>,
): Promise<TestServer> {
  const received: Received[] = [];
  let [open, most] = [0, 0];
  const server: Server = createServer((request, response) => {
    open++;
    most = Math.max(most, open);
    response.on("close", () => open--);
    void readBody(request).then(async (text) => {
      const one: Received = {
        path: request.url ?? "",
        authorization: request.headers.authorization,
        body: JSON.parse(text) as Received["body"],
        at: Date.now(),
      };
      received.push(one);
      act(await behave(received.length - 1, one), request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    received,
    mostAtOnce: () => most,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

/** A chat completion as OpenAI's endpoints send it. */
export function completion(text: string, finish = "stop"): string {
  return JSON.stringify({
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: finish }],
    usage: { prompt_tokens: 100, completion_tokens: 10 },
  });
}

function act(behaviour: Behaviour, request: IncomingMessage, response: ServerResponse): void {
  switch (behaviour.kind) {
    case "reply":
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(completion(behaviour.text, behaviour.finish));
      return;
    case "status":
      response
        .writeHead(
          behaviour.status,
          behaviour.retryAfter === undefined ? {} : { "retry-after": behaviour.retryAfter },
        )
        .end(JSON.stringify({ error: behaviour.error ?? {} }));
      return;
    case "raw":
      response
        .writeHead(200, { "content-type": behaviour.type ?? "application/json" })
        .end(behaviour.body);
      return;
    case "hang":
      return;
    case "cut":
      request.socket.destroy();
      return;
    case "half":
      response.writeHead(200, { "content-length": "1000" }).write('{"choices":');
      setTimeout(() => request.socket.destroy(), 20);
  }
}
