/** A process that does the benchmark's work another way: it says hello, then answers one line of JSON with another. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** One answer: seconds by name. */
export interface PeerAnswer {
  readonly seconds: Readonly<Record<string, number>>;
}

/** The process, which answers one request at a time. */
export interface Peer<Hello> {
  /** What it says of itself when it has loaded the model. */
  readonly hello: Hello;
  ask(request: object): Promise<PeerAnswer>;
  stop(): void;
}

/** Starts one; it is ready when this resolves. */
export async function startProcess<Hello>(
  command: string,
  args: readonly string[],
): Promise<Peer<Hello>> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const lines = new Lines(child);
  const hello = (await lines.next()) as Hello;
  return {
    hello,
    ask: (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return lines.next() as Promise<PeerAnswer>;
    },
    stop: () => child.kill(),
  };
}

/** A child's lines of JSON, in order; its end is an error with the last of what it wrote on stderr. */
class Lines {
  private readonly iterator: AsyncIterator<string>;
  private errors = "";

  constructor(child: ChildProcess) {
    this.iterator = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.on("error", (error) => (this.errors += error.message));
    child.stderr!.on("data", (text: Buffer) => {
      this.errors = `${this.errors}${text.toString()}`.slice(-2000);
    });
  }

  async next(): Promise<unknown> {
    const { value, done } = (await this.iterator.next()) as IteratorResult<string, undefined>;
    if (done) throw new Error(`the peer has ended: ${this.errors}`);
    return JSON.parse(value);
  }
}
