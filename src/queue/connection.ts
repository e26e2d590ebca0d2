/** The way to the Redis server: its address with password and TLS, and what is wrong with it in one line. Queues are elsewhere. */
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { errorMessage, UserError } from "../messages/errors";

/** All that this program keeps in Redis begins with this. */
export const PREFIX = "seal";

/** What ioredis and BullMQ are told of the server. */
export interface QueueConnection {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly servername: string; readonly ca?: string };
  readonly maxRetriesPerRequest: null;
  readonly retryStrategy: (times: number) => number;
}

/**
 * Connection options of `redis://[user[:password]@]host[:port][/database]`, or of `rediss://` for TLS. The password may
 * come from SEAL_QUEUE_PASSWORD instead, which no list of processes shows; SEAL_QUEUE_CA names a file with the
 * certificate authority of a server whose certificate no public one has signed. Throws UserError.
 */
export function connectionOptions(address: string): QueueConnection {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const database = url === undefined ? null : /^\/?(\d{0,3})$/.exec(url.pathname);
  if (!url || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "" || !database)
    throw new UserError(
      `"${withoutPassword(address)}" is no queue's address: redis://[user:password@]host[:port][/database], or rediss:// for TLS.`,
    );
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const password = decodeURIComponent(url.password) || process.env.SEAL_QUEUE_PASSWORD;
  const authority = process.env.SEAL_QUEUE_CA;
  return {
    host,
    port: url.port === "" ? 6379 : Number(url.port),
    db: Number(database[1]),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(password ? { password } : {}),
    ...(url.protocol === "rediss:"
      ? { tls: { servername: host, ...(authority ? { ca: readAuthority(authority) } : {}) } }
      : {}),
    // A server that is away for a while is waited for, commands and all.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 6), 5000),
  };
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`SEAL_QUEUE_CA: cannot read ${file}: ${errorMessage(error)}`);
  }
}

/** The address as it may be shown. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/[^/@]*@/, "//…@");
}

/** How long a server may take to answer at first, in seconds. */
const FIRST_ANSWER_SECONDS = 30;

/**
 * Connects, and makes sure once that the server answers, takes the password and drops nothing; later interruptions are
 * waited out. Throws UserError. The caller quits the client.
 */
export async function connectQueue(address: string): Promise<Redis> {
  const client = new Redis({ ...connectionOptions(address), lazyConnect: true });
  let last = `no answer within ${FIRST_ANSWER_SECONDS} s`;
  client.on("error", (error: Error) => (last = errorMessage(error) || error.name));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(last)), 1000 * FIRST_ANSWER_SECONDS);
  });
  try {
    await Promise.race([client.connect().then(() => client.ping()), late]);
    await requireNoEviction(client);
    return client;
  } catch (error) {
    client.disconnect();
    if (error instanceof UserError) throw error;
    const reason = /closed/.test(errorMessage(error)) ? last : errorMessage(error);
    throw new UserError(`No queue at ${withoutPassword(address)}: ${reason}`);
  } finally {
    clearTimeout(timer);
  }
}

/** A server that drops keys when its memory is full would lose jobs. */
async function requireNoEviction(client: Redis): Promise<void> {
  // Some providers do not let the server be asked.
  const memory = await client.info("memory").catch(() => "");
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1];
  if (policy !== undefined && policy !== "noeviction")
    throw new UserError(
      `This Redis drops keys when its memory is full (maxmemory-policy ${policy}), jobs among them; set noeviction.`,
    );
}
