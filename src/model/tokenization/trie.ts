/** Texts in a tree of their characters, to find which of them begin at a place of a longer text. */

/** A place in the tree; `value` is there where a text ends. */
export interface Trie<T> {
  readonly children: Map<number, Trie<T>>;
  value?: T;
}

/** The tree of some texts. */
export function trieOf<T>(entries: Iterable<readonly [text: string, value: T]>): Trie<T> {
  const root: Trie<T> = { children: new Map() };
  for (const [text, value] of entries) {
    let node = root;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      let next = node.children.get(unit);
      if (next === undefined) node.children.set(unit, (next = { children: new Map() }));
      node = next;
    }
    node.value = value;
  }
  return root;
}

/** Calls `found` for every text of the tree that begins at `start`, the shortest first, with where it ends. */
export function eachPrefix<T>(
  root: Trie<T>,
  text: string,
  start: number,
  found: (value: T, end: number) => void,
): void {
  let node: Trie<T> | undefined = root;
  for (let index = start; index < text.length; index++) {
    node = node.children.get(text.charCodeAt(index));
    if (node === undefined) return;
    if (node.value !== undefined) found(node.value, index + 1);
  }
}
