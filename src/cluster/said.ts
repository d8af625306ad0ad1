/** What processes say to each other in JSON, read as what comes from outside is: they may be of another version. */
import { z } from 'zod';
import { OciError, type OciErrorCode, ociErrors } from '../oci/errors.ts';
import { OutboundError } from '../outbound/outbound-error.ts';

/** An upstream and a repository there, as records have them. */
export interface PeerSource {
  readonly upstreamId: number;
  readonly repository: string;
  /** scheme://host:port of the upstream. */
  readonly origin: string;
}

const source = z.object({ upstreamId: z.number(), repository: z.string(), origin: z.string() });

const isCode = (code: string): code is OciErrorCode => Object.hasOwn(ociErrors, code);

const failure = z
  .object({
    code: z.string().refine(isCode),
    status: z.number(),
    details: z.array(z.string()),
    headers: z.record(z.string(), z.string()),
  })
  .transform(({ code, ...options }) => new OciError(code, options));

const kinds = ['not-found', 'unauthorized', 'rate-limited', 'unavailable', 'invalid'] as const;

/** What an upstream did. */
export const outboundFailure = z
  .object({
    kind: z.enum(kinds),
    message: z.string(),
    status: z.number().optional(),
    retryAfterMs: z.number().optional(),
    timedOut: z.boolean(),
    busy: z.boolean(),
    unreachable: z.boolean(),
    refusesCredentials: z.boolean(),
  })
  .transform(({ kind, message, ...options }) => new OutboundError(kind, message, options));

const fillSaid = z.object({
  /** First: who may read what follows. None of them where the fill could not begin. */
  proven: z.array(source).optional(),
  size: z.number().optional(),
  /** Why there is nothing, or nothing more; so it is for all who ask these sources. */
  failure: failure.optional(),
  sources: z.array(source).optional(),
  /** All bytes have come. */
  isComplete: z.boolean().optional(),
  /** Last: whether the process has kept them. */
  isStored: z.boolean().optional(),
});

/** What is said of a fill, in between its bytes. */
export type FillSaid = z.output<typeof fillSaid>;
/** As it goes out. */
export type FillSaying = Omit<FillSaid, 'failure'> & { readonly failure?: Failure };

export type Failure = Pick<OciError, 'code' | 'status' | 'details' | 'headers'>;

export function failureOf({ code, status, details, headers }: OciError): Failure {
  return { code, status, details, headers };
}

/** @throws OutboundError where it is not what a process says of a fill */
export function parseFillSaid(bytes: Uint8Array): FillSaid {
  return parseSaid(fillSaid, bytes);
}

/** @throws OutboundError */
export function parseSaid<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new OutboundError('unavailable', 'said what is not understood', { cause });
  }
}
