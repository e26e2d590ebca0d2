/** What a worker and its training process say to each other, over node's own channel. */
import type { GroupResult, GroupWork } from "../restem/group";
import type { AdapterFiles } from "./adapters";
import type { Machine } from "./machine";

/** To the training process: a group, and the adapters to be merged first (null: the same as last time). */
export interface GroupRequest {
  readonly work: GroupWork;
  readonly adapters: readonly AdapterFiles[] | null;
  /** Hash that the weights must have after that. */
  readonly policy?: string;
}

/** From the training process. "alive" comes whenever its event loop turns; "refused" is for good. */
export type ChildMessage =
  | { readonly kind: "ready"; readonly machine: Machine; readonly weights: string }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "alive" }
  | { readonly kind: "done"; readonly result: GroupResult }
  | { readonly kind: "failed"; readonly message: string };
