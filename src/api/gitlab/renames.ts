/** Gives a repository, or a project with its repositories, another name. */
import { z } from 'zod';
import type { Identity } from '../../auth/rights/identity.ts';
import type { Actor } from '../../management/acting/actor.ts';
import type { RenameTarget } from '../../management/namespaces/rename-rules.ts';
import type { RenameRequest } from '../../management/repositories/repository-renames.ts';
import { OciError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { parseJson } from '../../oci/untrusted-json.ts';
import { originOf } from '../event-origin.ts';
import { answerEmpty } from '../registry/push-answers.ts';
import { type RequestBody, smallBodyPatience, withRequestBody } from '../registry/request-body.ts';
import { writerOf } from '../registry/writer.ts';
import type { RequestContext } from '../state.ts';
import { answerJson, timeOf } from './answers.ts';
import { parseTruth, queryOf } from './query.ts';

export interface Renames {
  /** @throws OciError NAME_UNKNOWN, DENIED, INVALID_BODY_PARAMETER, RENAME_CONFLICT, RENAME_IN_PROGRESS, EXCEEDS_LIMITS */
  rename(actor: Actor, request: RenameRequest): Promise<void>;
  /** Until when nobody else may rename it; epoch milliseconds. @throws OciError as rename */
  announce(actor: Actor, request: RenameRequest): Promise<number>;
}

const maxBodyBytes = 65_536;
const bodySchema = z.object({ name: z.unknown().optional(), namespace: z.unknown().optional() });

/** @param path that the client may push to */
export async function answerRename(
  ctx: RequestContext,
  path: RepositoryName,
  renames: Renames,
): Promise<void> {
  const isDryRun = parseTruth(queryOf(ctx), 'dry_run');
  const { identity, address } = ctx.state;
  demandClaim(identity, path);
  const target = parseTarget(await withRequestBody(ctx, smallBodyPatience, readText));
  const actor = { identity, address, origin: originOf(ctx) };
  const request = { path, target, holder: writerOf(ctx.state, 0).key };
  if (!isDryRun) {
    await renames.rename(actor, request);
    return answerEmpty(ctx, 204);
  }
  const expiresAt = await renames.announce(actor, request);
  answerJson(ctx, { ttl: timeOf(expiresAt) }, 202);
}

/** @throws OciError UNKNOWN_PROJECT_PATH_CLAIM, MISMATCH_PROJECT_PATH_CLAIM */
function demandClaim(identity: Identity, path: RepositoryName): void {
  if (identity.kind !== 'registry-token') return;
  const claim = identity.access.find(
    ({ type, name, actions }) => type === 'repository' && name === path && actions.includes('push'),
  )?.projectPath;
  const headers = { 'WWW-Authenticate': 'Bearer error="invalid_token"' };
  if (claim === undefined) {
    const detail = 'the token does not say of which project it is: ask for one for this repository alone';
    throw new OciError('UNKNOWN_PROJECT_PATH_CLAIM', { detail, headers });
  }
  if (`${path}/`.startsWith(`${claim}/`)) return;
  const detail = `the token is of the project ${claim}, which ${path} is not in`;
  throw new OciError('MISMATCH_PROJECT_PATH_CLAIM', { detail, headers });
}

/** @throws OciError INVALID_JSON_BODY, INVALID_BODY_PARAMETER, INVALID_BODY_PARAMETER_TYPE */
function parseTarget(text: string): RenameTarget {
  const body = bodySchema.safeParse(parseBody(text));
  if (!body.success) throw new OciError('INVALID_JSON_BODY', { detail: 'the body must be a JSON object' });
  const { name, namespace } = body.data;
  if ((name === undefined) === (namespace === undefined)) {
    throw new OciError('INVALID_BODY_PARAMETER', { detail: 'the body must have either name or namespace' });
  }
  if (typeof name === 'string') return { name };
  if (typeof namespace === 'string') return { namespace };
  const parameter = name === undefined ? 'namespace' : 'name';
  throw new OciError('INVALID_BODY_PARAMETER_TYPE', { detail: `${parameter} must be a text` });
}

function parseBody(text: string): unknown {
  try {
    return parseJson(Buffer.from(text));
  } catch (cause) {
    throw new OciError('INVALID_JSON_BODY', { detail: 'the body must be a JSON object', cause });
  }
}

async function readText(body: RequestBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      throw new OciError('INVALID_JSON_BODY', {
        status: 413,
        detail: `the body must have at most ${maxBodyBytes} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString();
}
