/** What differs between the settings that something was begun with and those of now, in words. */
import { canonicalJson } from "../files/files";

/** What differs between two settings, as "path: before -> now". */
export function settingsChanges(before: unknown, now: unknown): string[] {
  const [old, current] = [new Map(leaves(before, "")), new Map(leaves(now, ""))];
  return [...new Set([...old.keys(), ...current.keys()])]
    .filter((key) => old.get(key) !== current.get(key))
    .map(
      (key) =>
        `${key || "settings"}: ${old.get(key) ?? "(none)"} -> ${current.get(key) ?? "(none)"}`,
    );
}

function leaves(value: unknown, at: string): [string, string][] {
  if (value === null || typeof value !== "object" || Object.keys(value).length === 0) {
    return value === undefined ? [] : [[at, canonicalJson(value)]];
  }
  return Object.entries(value).flatMap(([key, item]) =>
    leaves(item, Array.isArray(value) ? `${at}[${key}]` : at === "" ? key : `${at}.${key}`),
  );
}
