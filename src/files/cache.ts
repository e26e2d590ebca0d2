/** Where downloads and the compiled engine are kept, once for each user. */
import envPaths from "env-paths";
import path from "node:path";

/** The per-user cache directory, or `SEAL_CACHE` where that is set. Not created here. */
export function cacheDirectory(): string {
  return process.env.SEAL_CACHE
    ? path.resolve(process.env.SEAL_CACHE)
    : envPaths("seal-lab", { suffix: "" }).cache;
}
