/** Short mode: notebooks do less work when they are only checked, as in CI. */

/** `full`, or `short` where SEAL_NOTEBOOK_SHORT=1 asks for little work. */
export function notebookSize<T>({ full, short }: { full: T; short: T }): T {
  return process.env.SEAL_NOTEBOOK_SHORT === "1" ? short : full;
}
