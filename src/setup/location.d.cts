/** Types of `location.cjs`, which says what each does. */

export interface Wheel {
  package: string;
  platforms: string[];
  sha256: string;
}

export interface NativeTarget {
  kind: "cpu" | "cuda" | "custom";
  key: string;
  folder: string;
  wheel?: Wheel;
  custom?: { root: string; libraries: string; names: string[]; hash: string };
}

export const TENSORFLOW_VERSION: string;
export const WHEEL_PYTHON: string;
export const BINDING_VERSION: string;
export const WHEELS: Record<string, Wheel>;
export function cacheRoot(env?: NodeJS.ProcessEnv): string;
export function hasNvidiaDriver(env?: NodeJS.ProcessEnv): boolean;
export function nativeTargets(env?: NodeJS.ProcessEnv): NativeTarget[];
export function isComplete(target: NativeTarget): boolean;
export function bindingFile(folder: string): string;
export function prepareProcess(env?: NodeJS.ProcessEnv): void;
export const KERNEL_SOURCES: string[];
export function kernelsFile(folder: string): string;
