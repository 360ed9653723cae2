/** What can go wrong between a client and a daemon, with the daemon's own stable codes. */

import type { Code, Json, Problem } from "./wire.ts";

/** One of the codes that this client knows, or one that a newer daemon has. */
export type AnyCode = Code | (string & Record<never, never>);

/**
 * An answer that says no.
 *
 * `code` stays the same over all versions. `status` is the HTTP status, 0 when nothing answered. `extra` are the error's
 * own fields, such as `key`, `expected` and `actual` of `revision_conflict`. The message is one sentence: what is wrong
 * and what would be right. `retryAfterMs` is when the daemon says that trying again may help; null: it does not say.
 */
export class SdkError extends Error {
  override readonly name: string = "SdkError";
  readonly code: AnyCode;
  readonly status: number;
  readonly extra: { [name: string]: Json };
  readonly retryAfterMs: number | null;

  constructor(
    code: AnyCode,
    detail: string,
    status = 0,
    extra: { [name: string]: Json } = {},
    retryAfterMs: number | null = null,
  ) {
    super(detail);
    this.code = code;
    this.status = status;
    this.extra = extra;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Nothing answers: no daemon, or the connection broke. Trying again may help; the request may have been carried out. */
export class Unreachable extends SdkError {
  override readonly name = "Unreachable";

  constructor(detail: string) {
    super("unavailable", detail);
  }
}

type Standard = { [name in Exclude<keyof Problem, "extra">]: true };
const STANDARD: Standard = {
  type: true,
  title: true,
  status: true,
  detail: true,
  code: true,
  instance: true,
};

/** Return the error that an answer of `application/problem+json` stands for; other bodies are quoted. */
export function errorFrom(status: number, body: string, headers = new Headers()): SdkError {
  const problem = parsed(body);
  const pause = retryAfterMs(headers);
  if (typeof problem?.code !== "string" || typeof problem.detail !== "string") {
    const said = body.trim().slice(0, 200) || "an empty body";
    return new SdkError("internal", `the daemon answered ${status} with ${said}`, status, {}, pause);
  }
  const own = Object.entries(problem).filter(([name]) => !(name in STANDARD));
  return new SdkError(problem.code, problem.detail, status, Object.fromEntries(own), pause);
}

const RETRY_MAX_MS = 300_000;

/**
 * Return the milliseconds of `Retry-After` (RFC 9110, 10.2.3), at most 300 s; null: it is not there, or no such time.
 *
 * A time of day counts from the answer's own `Date`: the daemon's clock, not the reader's.
 */
export function retryAfterMs(headers: Headers): number | null {
  const text = headers.get("Retry-After")?.trim() ?? "";
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(headers.get("Date") ?? "");
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_MAX_MS);
}

function parsed(body: string): { [name: string]: Json } | null {
  try {
    const found: Json = JSON.parse(body);
    return found !== null && typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}
