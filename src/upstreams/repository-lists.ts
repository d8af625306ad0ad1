/**
 * Which repositories a registry has: by its catalog or, where that is not for us, by the lists of projects of Harbor and GitLab.
 * https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
import { z } from 'zod';
import { isRepositoryName, type RepositoryName } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { readPages } from './list-pages.ts';
import { listByProjects } from './project-lists.ts';
import { createTransport, Registry, type UpstreamOptions } from './registry.ts';
import type { UpstreamSettings } from './upstream.ts';

const namesPerPage = 1000;
/** Of all pages together: a hundred thousand long names. */
const maxBytes = 32 * 1024 * 1024;
const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });

/** In byte order; what is no name is left out. @throws OutboundError: where no list is given, what the catalog said */
export async function listRepositories(
  settings: UpstreamSettings,
  options: UpstreamOptions,
): Promise<readonly RepositoryName[]> {
  const names = await listCatalog(settings, options).catch(async (error: unknown) => {
    if (!(error instanceof OutboundError) || !error.isRefusal) throw error;
    const transport = createTransport(settings, options);
    try {
      const listed = await listByProjects({ ...options, settings, transport });
      if (!listed) throw error;
      return listed;
    } finally {
      await transport.close();
    }
  });
  return [...new Set(names.filter(isRepositoryName))].sort();
}

async function listCatalog(settings: UpstreamSettings, options: UpstreamOptions): Promise<readonly string[]> {
  const registry = new Registry(settings, options);
  const limit = { ms: options.listMs, setting: 'upstreams.list_seconds' };
  const request = { kind: 'catalog', method: 'GET', repository: '', statuses: [200], limit } as const;
  try {
    const pages = readPages(registry.urlOf(`_catalog?n=${namesPerPage}`), maxBytes, (url, parse) =>
      registry.ask({ ...request, url }, undefined, parse),
    );
    const names: string[] = [];
    for await (const page of pages) {
      const listed = catalogSchema.safeParse(page);
      if (!listed.success) throw new OutboundError('invalid', 'sent a catalog that is none', { status: 200 });
      names.push(...(listed.data.repositories ?? []));
    }
    return names;
  } finally {
    await registry.close();
  }
}
