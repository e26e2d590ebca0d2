/** A worker's hold on its training process: starts it, gives it groups, ends it when it is silent for too long. */
import { fork, type ChildProcess } from "node:child_process";
import path from "node:path";
import { UserError } from "../messages/errors";
import type { GroupResult } from "../restem/group";
import type { ChildMessage, GroupRequest } from "./child-messages";
import type { Machine } from "./machine";

/** What the training process says of itself once the model is loaded. */
export interface Readiness {
  readonly machine: Machine;
  readonly weights: string;
}

interface Waiting {
  readonly resolve: (message: ChildMessage) => void;
  readonly reject: (error: Error) => void;
}

/** One training process, started when needed and again after it died. */
export class TrainingProcess {
  private child: ChildProcess | undefined;
  private waiting: Waiting | undefined;
  private silence: NodeJS.Timeout | undefined;

  /**
   * `silenceSeconds`: after so long without a sign of life in the middle of a group it is killed. `threads`: of the
   * engine's operations, as many as there are cores unless told.
   */
  constructor(
    private readonly model: string,
    private readonly silenceSeconds: number,
    private readonly threads?: number,
  ) {}

  /** True where the process lives, and so still has the adapters that it was given last. */
  get running(): boolean {
    return this.child !== undefined;
  }

  /** Starts it and loads the model. Throws UserError where the model cannot be loaded. */
  async start(): Promise<Readiness> {
    const script = path.join(__dirname, `child${path.extname(__filename)}`);
    const env =
      this.threads === undefined
        ? process.env
        : { ...process.env, TF_NUM_INTRAOP_THREADS: String(this.threads) };
    const child = fork(script, [this.model], { serialization: "advanced", env });
    this.child = child;
    child.on("message", (message: ChildMessage) => this.hear(message));
    child.on("error", (error) => this.lose(child, error));
    child.on("exit", (code, signal) =>
      this.lose(child, new Error(`the training process ended (${signal ?? `code ${code}`})`)),
    );
    const message = await this.next();
    if (message.kind === "ready") return message;
    this.stop();
    if (message.kind === "refused") throw new UserError(message.message);
    throw new Error(`the training process said "${message.kind}" before it was ready`);
  }

  /** Executes one group. Throws UserError where this machine cannot; an Error where the process fails, dies or falls silent; it is started again next time. */
  async execute(request: GroupRequest): Promise<GroupResult> {
    if (!this.child) throw new Error("the training process does not run");
    const answer = this.next();
    const { child } = this;
    child.send(request, (error) => error && this.lose(child, error));
    this.watch();
    try {
      const message = await answer;
      if (message.kind === "done") return message.result;
      if (message.kind === "refused") throw new UserError(message.message);
      throw new Error("message" in message ? message.message : `it said "${message.kind}"`);
    } finally {
      this.unwatch();
    }
  }

  /** Ends it. */
  stop(): void {
    this.unwatch();
    this.child?.kill("SIGKILL");
  }

  private next(): Promise<ChildMessage> {
    return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
  }

  private hear(message: ChildMessage): void {
    if (message.kind === "alive") return this.silence ? this.watch() : undefined;
    this.waiting?.resolve(message);
    this.waiting = undefined;
  }

  private unwatch(): void {
    clearTimeout(this.silence);
    this.silence = undefined;
  }

  private watch(): void {
    this.unwatch();
    this.silence = setTimeout(() => {
      this.waiting?.reject(new Error(`no sign of life for ${this.silenceSeconds} s`));
      this.stop();
    }, 1000 * this.silenceSeconds);
  }

  private lose(child: ChildProcess, error: Error): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.waiting?.reject(error);
    this.waiting = undefined;
  }
}
