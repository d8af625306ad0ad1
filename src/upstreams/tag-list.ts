/** Lists of tags. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags (end-8) */
import { z } from 'zod';
import { Turn } from '../concurrency/turn.ts';
import { isTag, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { Answer } from '../outbound/answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { type Page, readPages } from './list-pages.ts';
import type { CheckedRequest } from './registry.ts';

const tagsPerPage = 1000;
/** As many as a hosted repository may have. */
const maxTags = 100_000;
/** Of all pages together: eighty bytes for each. */
const maxBytes = 8 * 1024 * 1024;
/** Sorted in a millisecond or two. */
const tagsAtOnce = 4000;
const listSchema = z.object({ tags: z.custom<readonly unknown[]>(Array.isArray).nullish() });

/** Who asks a registry, as whoever may. */
export interface AskRegistry {
  /** @param path below `/v2/`. */
  urlOf(path: string): URL;
  /** @throws OutboundError or the signal's reason. */
  ask<T>(
    request: CheckedRequest,
    signal: AbortSignal | undefined,
    take: (answer: Answer) => T | Promise<T>,
  ): Promise<T>;
}

/** All pages, in byte order without duplicates; what is no tag is left out. @throws OutboundError or the signal's reason. */
export async function listTags(
  registry: AskRegistry,
  repository: RepositoryName,
  signal: AbortSignal | undefined,
): Promise<readonly Tag[]> {
  const list = registry.urlOf(`${repository}/tags/list`);
  const first = new URL(`?n=${tagsPerPage}`, list);
  const ask = (url: URL, parse: (answer: Answer) => Promise<Page>) =>
    registry.ask({ kind: 'tags', method: 'GET', url, repository, statuses: [200] }, signal, parse);
  const pages = readPages(first, maxBytes, (url, parse) =>
    ask(url, parse).catch((error: unknown) => {
      // Some refuse so long a page, and some any length.
      if (url === first && error instanceof OutboundError && error.isRefusal && error.kind === 'invalid')
        return ask(list, parse);
      throw error;
    }),
  );
  const tags: Tag[] = [];
  const turn = new Turn();
  for await (const page of pages) {
    await turn.next();
    const listed = listSchema.safeParse(page);
    if (!listed.success) throw new OutboundError('invalid', 'sent a list of tags that is none');
    for (const tag of listed.data.tags ?? []) {
      if (turn.isOver) await turn.next();
      if (typeof tag === 'string' && isTag(tag)) tags.push(tag);
    }
    if (tags.length > maxTags) throw new OutboundError('invalid', `has a list of more than ${maxTags} tags`);
  }
  return sorted(tags, turn);
}

/** In parts, between which others have their turn. */
async function sorted(tags: readonly Tag[], turn: Turn): Promise<readonly Tag[]> {
  let parts: (readonly Tag[])[] = [];
  for (let start = 0; start < tags.length; start += tagsAtOnce) {
    parts.push([...new Set(tags.slice(start, start + tagsAtOnce))].sort());
    if (turn.isOver) await turn.next();
  }
  while (parts.length > 1) {
    const merged: (readonly Tag[])[] = [];
    for (let index = 0; index < parts.length; index += 2) {
      merged.push(merge(parts[index] ?? [], parts[index + 1] ?? []));
      if (turn.isOver) await turn.next();
    }
    parts = merged;
  }
  return parts[0] ?? [];
}

function merge(first: readonly Tag[], second: readonly Tag[]): readonly Tag[] {
  const merged: Tag[] = [];
  let at = 0;
  for (const tag of first) {
    for (let other = second[at]; other !== undefined && other <= tag; other = second[at]) {
      if (other < tag) merged.push(other);
      at += 1;
    }
    merged.push(tag);
  }
  return merged.concat(second.slice(at));
}
