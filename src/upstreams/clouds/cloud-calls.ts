/** Calls to clouds for logins, and what is said where one fails: the call and what is missing, nothing of who we are. */
import { z } from 'zod';
import { readJsonAnswer } from '../../outbound/json-answer.ts';
import { OutboundError } from '../../outbound/outbound-error.ts';
import { parseRetryAfter } from '../../outbound/retry-after.ts';
import type { Transport } from '../../outbound/transport.ts';

const maxAnswerBytes = 256 * 1024;

export interface CloudCall {
  /** As the cloud's documents call it. */
  readonly name: string;
  /** What whoever asks needs. */
  readonly needs: string;
}

export interface CallRefusal {
  /** The status of the answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The cloud's own name of what is wrong. */
  readonly code: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Codes are of this form: nothing else that a cloud says is passed on, as it may tell who we are. */
const codeText = /^[\w.-]{1,80}$/;

/** 'invalid', not 'unauthorized': it says nothing of the repository. */
export function refusedCall(
  { name, needs }: CloudCall,
  { status, code, retryAfterMs, cause }: CallRefusal,
): OutboundError {
  const said = [status, code !== undefined && codeText.test(code) && code].filter(Boolean).join(', ');
  const message = `gave no login: ${name} was refused${said && ` (${said})`}`;
  const isLimited = status === 429 || /throttl|too_?many|slow_?down/i.test(code ?? '');
  if (isLimited) return new OutboundError('rate-limited', message, { retryAfterMs, cause });
  if (status !== undefined && status >= 500)
    return new OutboundError('unavailable', message, { retryAfterMs, cause });
  return new OutboundError('invalid', `${message}; it needs ${needs}`, { refusesCredentials: true, cause });
}

/** What a failure on the way there is told as; all else is passed on. */
export function failedCall({ name }: CloudCall, error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  const { kind, retryAfterMs, unreachable, busy, limit } = error;
  const message = limit === undefined ? error.message : error.message.replace(` (${limit})`, '');
  return new OutboundError(kind, `gave no login: whoever answers ${name} ${message}`, {
    retryAfterMs,
    unreachable,
    busy,
    limit,
    cause: error,
  });
}

export function senselessCall({ name }: CloudCall, what: string, cause?: unknown): OutboundError {
  return new OutboundError('invalid', `gave no login: ${name} was answered with ${what}`, { cause });
}

const errorSchema = z.object({
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  errors: z
    .array(z.object({ code: z.string() }))
    .optional()
    .catch(undefined),
});

/** Sends a form as https://www.rfc-editor.org/rfc/rfc6749#section-4 has it. @returns what its JSON has @throws OutboundError */
export async function postForm<T>(
  transport: Pick<Transport, 'request'>,
  call: CloudCall,
  url: URL,
  form: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
  now: number,
  signal: AbortSignal,
): Promise<T> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const body = new URLSearchParams(form).toString();
  const { answer, json } = await (async () => {
    const asked = { method: 'POST', url, headers, body, redirects: 'refuse' } as const;
    const given = await transport.request(asked, signal);
    // What refuses says why as JSON, or as it likes.
    const read = readJsonAnswer(given, maxAnswerBytes, 'an answer').catch((error: unknown) => {
      if (given.status < 300) throw error;
      return { json: undefined };
    });
    return { answer: given, ...(await read) };
  })().catch((error: unknown) => {
    throw failedCall(call, error);
  });
  if (answer.status >= 300) {
    const said = errorSchema.safeParse(json).data;
    const code =
      /\bAADSTS\d+/.exec(said?.error_description ?? '')?.[0] ?? said?.error ?? said?.errors?.[0]?.code;
    const retryAfterMs = parseRetryAfter(answer.header('retry-after'), now);
    throw refusedCall(call, { status: answer.status, code, retryAfterMs, cause: said?.error_description });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw senselessCall(call, 'no token', parsed.error);
}

/** Of a package that is loaded where it is needed. @throws OutboundError where it is not installed */
export async function loadCloud<T>(cloud: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw cause;
    const message = `gave no login: the packages of ${cloud} are not installed; npm ci without --omit=optional installs them`;
    throw new OutboundError('invalid', message, { cause });
  }
}
