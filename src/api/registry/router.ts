/**
 * /v2, one line per endpoint of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 * Before anything of a body is read it is known who asks, that they may, and whether anything can be changed now.
 */
import type { Middleware } from 'koa';
import type { Action } from '../../auth/rights/access.ts';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import { nameOf, type ScopeGrant } from '../../auth/rights/identity.ts';
import { catalogScope } from '../../auth/rights/scope.ts';
import { OciError } from '../../oci/errors.ts';
import { isRepositoryName, parseRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import type { UpstreamChoice } from '../../oci/registry-host.ts';
import { type Need, scopesFor } from '../challenge.ts';
import { noteDenial, protectedCodes } from '../denial-notes.ts';
import { answerErrors } from '../errors.ts';
import { originOf } from '../event-origin.ts';
import { tellFeatures } from '../gitlab/features.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { answerBlob } from './blobs.ts';
import { cacheStatus } from './cache-status.ts';
import { deleteBlob, deleteManifest, deleteTag } from './deletions.ts';
import { answerEarly } from './early-answer.ts';
import { type Endpoint, Endpoints, nameAt } from './endpoints.ts';
import { answerCatalog, answerTags } from './lists.ts';
import { answerManifest } from './manifests.ts';
import { pushManifest } from './push-manifest.ts';
import { answerNoReferrers, answerReferrers } from './referrers.ts';
import type { PulledContent, PullKind, RegistryOptions } from './services.ts';
import type { ChangeTarget, PullTarget, Source } from './targets.ts';
import {
  answerUpload,
  appendToUpload,
  cancelUpload,
  commitUpload,
  mountSourceOf,
  startUpload,
} from './uploads.ts';
import { writerOf } from './writer.ts';

type Pull = (ctx: RequestContext, target: PullTarget) => Promise<void>;
type Change = (ctx: RequestContext, target: ChangeTarget) => Promise<void>;

/** A disk that is busy with layers takes less, and forgotten connections end soon. */
const defaultStalledMs = 120_000;

/** Of what is repeated of a host that somebody made up. */
const maxHostLength = 160;

const versionHeader = { 'Docker-Distribution-Api-Version': 'registry/2.0' } as const;
/** Caches in front of us may take no notice of credentials by themselves, as nginx's does not. */
const varyHeader = { Vary: 'Authorization' } as const;
export const readHeaders = { ...versionHeader, ...varyHeader };
export const manifestRoute = '/v2/*name/manifests/:reference';
export const blobRoute = '/v2/*name/blobs/:digest';

/** Answers every request under /v2 and leaves the others alone. */
export function createRegistryRouter(options: RegistryOptions): Middleware<RequestState> {
  const { repositories, access, catalog, maintenance, observer, pullEvents, denials } = options;
  const { maxManifestBytes, stalledMs = defaultStalledMs, mayRedirect = () => true } = options;
  const uploads = ['/v2/*name/blobs/uploads/', '/v2/*name/blobs/uploads'];
  const oneUpload = '/v2/*name/blobs/uploads/:session';

  const endpoints = new Endpoints(
    [
      ['GET', ['/v2/', '/v2'], { wanted: () => [], answer: answerBase }], // end-1
      ['GET', blobRoute, pull('blob', answerBlob)], // end-2
      ['GET', manifestRoute, pull('manifest', answerManifest)], // end-3
      ['POST', uploads, upload(startUpload)], // end-4a, end-4b, end-11
      ['PATCH', oneUpload, upload(appendToUpload)], // end-5
      ['PUT', oneUpload, upload(commitUpload)], // end-6
      ['PUT', manifestRoute, change('push', pushManifest)], // end-7a, end-7b
      ['GET', '/v2/*name/tags/list', pull('tags', answerTags)], // end-8a, end-8b
      ['DELETE', manifestRoute, change('delete', deleteManifest)], // end-9
      ['DELETE', blobRoute, change('delete', deleteBlob)], // end-10
      ['GET', '/v2/*name/referrers/:digest', pull('referrers', answerReferrers)], // end-12a, end-12b
      ['GET', oneUpload, upload(answerUpload)], // end-13
      ['DELETE', oneUpload, upload(cancelUpload)], // end-14
      ['DELETE', '/v2/*name/tags/reference/:tag', change('delete', deleteTag)], // GitLab's other way to end-9
      ['GET', '/v2/_catalog', { wanted: () => [catalogScope], demanded: catalogScope, answer: answerHosted }], // Docker's
      // A path about a repository at which there is nothing asks for its token all the same.
      [
        undefined,
        ['manifests/', 'blobs/', 'referrers/', 'tags/', 'tags/:other', 'tags/reference/'].map(
          (rest) => `/v2/*name/${rest}`,
        ),
        { wanted: wantedOf },
      ],
    ],
    nameAt,
  );

  return (ctx, next) => {
    const { path } = ctx;
    if (!path.startsWith('/v2/') && path !== '/v2') return next();
    ctx.set(versionHeader);
    const answer = () => endpoints.answer(ctx, access, () => refuse(ctx));
    if (!isRead(ctx)) return answerEarly(ctx, () => answerErrors(ctx, answer));
    ctx.set(varyHeader);
    return answer();
  };

  /** No hosted repository is there at a mirror. */
  function answerHosted(ctx: RequestContext): Promise<void> {
    if (ctx.state.mirror) throw nothingHere();
    return answerCatalog(ctx, catalog);
  }

  function pull(kind: PullKind, respond: Pull): Endpoint {
    return {
      wanted: wantedOf,
      async answer(ctx, { written, name: text, segment }) {
        const name = parseRepositoryName(text);
        await access.require(ctx, { name, action: 'pull' });
        const mayPush = async () => (await access.protectionLevel(ctx, name)) >= accessLevels.developer;
        const repository = await repositories.find(name, ctx.state.choice, mayPush);
        const note = pullEvents?.areWanted
          ? (content: PulledContent) => notePull(ctx, name, content)
          : undefined;
        const pulled = { name: written, segment, stalledMs, note, mayRedirect: mayRedirect(name) };
        if (repository) await respond(ctx, { ...pulled, repository });
        else if (kind === 'referrers') answerNoReferrers(ctx, segment);
        else throw new OciError('NAME_UNKNOWN', { detail: absence(name, ctx.state.choice) });
        if (ctx.state.outcome) observer.pulled(kind, ctx.state.outcome);
      },
    };
  }

  /** Notes a pull of what was pushed to us; nobody is told of what is pulled through us. */
  function notePull(ctx: RequestContext, repository: RepositoryName, content: PulledContent): void {
    const { identity, outcome } = ctx.state;
    if (outcome !== 'hosted') return;
    const actorName = nameOf(identity) ?? 'anonymous';
    pullEvents?.note({ ...content, repository, actorName, origin: originOf(ctx) });
  }

  /** An endpoint of uploads: whatever is done with one is part of a push, also asking how far it got, or giving it up. */
  function upload(respond: Change): Endpoint {
    const needOf = (ctx: RequestContext, name: RepositoryName) =>
      ({ name, action: 'push', source: mountSourceOf(ctx), isUpload: true }) as const;
    return {
      wanted: (ctx, name) => (isRepositoryName(name) ? scopesFor(needOf(ctx, name)) : []),
      answer: (ctx, { name, segment }) =>
        changeAs(ctx, needOf(ctx, parseRepositoryName(name)), segment, respond),
    };
  }

  function change(action: Action, respond: Change): Endpoint {
    return {
      wanted: wantedOf,
      answer: (ctx, { name, segment }) =>
        changeAs(ctx, { name: parseRepositoryName(name), action }, segment, respond),
    };
  }

  async function changeAs(
    ctx: RequestContext,
    need: Need & { readonly name: RepositoryName },
    segment: string,
    respond: Change,
  ): Promise<void> {
    const { name } = need;
    // This comes first, since no token is good for a change then, and another one would not help.
    if (!isRead(ctx)) await requireChangeable();
    await access.require(ctx, need);
    const protectionLevel = await access.protectionLevel(ctx, name);
    const writer = writerOf(ctx.state, protectionLevel, originOf(ctx));
    const repository = await repositories.getWritable(name, writer);
    const findSource = () => findPullable(ctx, need.source);
    try {
      await respond(ctx, { repository, name, segment, stalledMs, maxManifestBytes, findSource, observer });
    } catch (error) {
      if (error instanceof OciError && error.status === 405) ctx.set('Allow', endpoints.otherMethods(ctx));
      noteDenial(denials, ctx, name, error, protectedCodes);
      throw error;
    }
  }

  /** @throws OciError UNAVAILABLE */
  async function requireChangeable(): Promise<void> {
    const detail = await maintenance.readOnlyReason();
    if (detail !== undefined) throw new OciError('UNAVAILABLE', { detail });
  }

  /** The repository, if the client may pull from it; a repository that it may not pull from is as one that does not exist. */
  async function findPullable(
    ctx: RequestContext,
    name: RepositoryName | undefined,
  ): Promise<Source | undefined> {
    if (name === undefined) return undefined;
    try {
      await access.require(ctx, { name, action: 'pull' });
      const repository = await repositories.find(name);
      return repository && { name, repository };
    } catch (error) {
      if (error instanceof OciError) return undefined;
      throw error;
    }
  }

  /** @throws OciError UNSUPPORTED: 404 where the path has no endpoint at all */
  function refuse(ctx: RequestContext): never {
    const allowed = endpoints.otherMethods(ctx);
    if (allowed === '') throw nothingHere();
    throw new OciError('UNSUPPORTED', {
      detail: `${ctx.method} is not possible at this path, only ${allowed}`,
      headers: { Allow: allowed },
    });
  }
}

function absence(name: RepositoryName, choice: UpstreamChoice | undefined): string {
  if (!choice) return `there is no repository ${name}`;
  return `no upstream that can be asked here is the registry ${choice.host.slice(0, maxHostLength)}, or has ${name} below its prefix`;
}

function nothingHere(): OciError {
  return new OciError('UNSUPPORTED', { status: 404, detail: 'there is nothing at this path' });
}

/** The scopes to ask for at one repository; none where the path names none, or what may not stand in a header. */
function wantedOf({ method }: RequestContext, name: string): readonly ScopeGrant[] {
  return isRepositoryName(name) ? scopesFor({ name, action: actionOf(method) }) : [];
}

function actionOf(method: string): Action {
  switch (method) {
    case 'POST':
    case 'PUT':
    case 'PATCH':
      return 'push';
    case 'DELETE':
      return 'delete';
    default:
      return 'pull';
  }
}

/** Whether the method has no body worth reading, and changes nothing. */
function isRead({ method }: RequestContext): boolean {
  return method === 'GET' || method === 'HEAD';
}

function answerBase(ctx: RequestContext): void {
  tellFeatures(ctx);
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = '{}';
}
