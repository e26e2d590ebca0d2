/**
 * Executes groups by several processes of this machine, each with its share of the cores. A small model's operations are
 * too small to keep many cores busy: two processes with one core each finish about twice as much as one with two.
 */
import os from "node:os";
import type { Adapter } from "../lora/adapter";
import type { Model } from "../model/load";
import type { Executor, GroupResult, GroupWork } from "../restem/group";
import { mergedAdapters } from "../restem/policy";
import { adapterFiles, type AdapterFiles } from "./adapters";
import { TrainingProcess } from "./training-process";

/** A process without a sign of life for so long is killed. */
const SILENCE_SECONDS = 600;

/** An executor that holds processes. Close it. */
export interface LocalExecutor extends Executor {
  close(): void;
}

/** Processes are started with the first group, and load the model that it is for. */
export function openLocalExecutor(processes: number): LocalExecutor {
  return new LocalProcesses(processes);
}

/** How many candidates each of `parts` gets; as even as can be, the first ones one more. */
export function shares(candidates: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor((candidates + parts - 1 - i) / parts));
}

/** A group in so many stretches (fewer where there are too few candidates), each with its share of the concurrency. */
export function groupParts(work: GroupWork, parts: number): GroupWork[] {
  const concurrency = Math.ceil(work.concurrency / parts);
  let start = 0;
  return shares(work.candidates.length, parts)
    .filter((count) => count > 0)
    .map((count) => {
      const candidates = work.candidates.slice(start, start + count);
      start += count;
      return { ...work, candidates, concurrency };
    });
}

/** Has all parts of a group executed at once, and puts their results together in the candidates' order. */
export async function executeParts(
  work: GroupWork,
  parts: number,
  onFinished: ((candidates: number) => void) | undefined,
  execute: (part: GroupWork, index: number) => Promise<GroupResult>,
): Promise<GroupResult> {
  const results = await Promise.all(
    groupParts(work, parts).map(async (part, i) => {
      const { candidates } = await execute(part, i);
      onFinished?.(candidates.length);
      return candidates;
    }),
  );
  return { candidates: results.flat() };
}

class LocalProcesses implements LocalExecutor {
  readonly groupsAtOnce = 1;
  private readonly members = new Map<string, Member[]>();

  constructor(private readonly processes: number) {}

  /** Each process takes a stretch of the candidates, so that the same number of processes gives the same results. */
  execute(
    model: Model,
    work: GroupWork,
    onFinished?: (candidates: number) => void,
  ): Promise<GroupResult> {
    return executeParts(work, this.processes, onFinished, (part, i) =>
      this.membersOf(model)[i].execute(part, mergedAdapters(model)),
    );
  }

  close(): void {
    for (const member of [...this.members.values()].flat()) member.stop();
    this.members.clear();
  }

  private membersOf({ id }: Model): Member[] {
    const known = this.members.get(id);
    if (known) return known;
    const threads = Math.max(1, Math.floor(os.availableParallelism() / this.processes));
    const made = Array.from({ length: this.processes }, () => new Member(id, threads));
    this.members.set(id, made);
    return made;
  }
}

/** One process, and the adapters that are merged into its model. */
class Member {
  private readonly training: TrainingProcess;
  private merged: readonly Adapter[] | undefined;

  constructor(model: string, threads: number) {
    this.training = new TrainingProcess(model, SILENCE_SECONDS, threads);
  }

  async execute(work: GroupWork, adapters: readonly Adapter[]): Promise<GroupResult> {
    if (!this.training.running) {
      this.merged = [];
      await this.training.start();
    }
    const same =
      this.merged?.length === adapters.length && adapters.every((a, i) => a === this.merged?.[i]);
    const files: AdapterFiles[] = [];
    if (!same) for (const adapter of adapters) files.push(await adapterFiles(adapter));
    // Known only once it is done: a process that dies in between has none.
    this.merged = undefined;
    const result = await this.training.execute({ work, adapters: same ? null : files });
    this.merged = adapters;
    return result;
  }

  stop(): void {
    this.training.stop();
  }
}
