/** A successful call of every operation. Whoever adds an endpoint adds one: architecture.test.ts says which are missing. */
import type { ApiCalls } from './api-world.ts';
import { cacheCalls } from './caches.ts';
import { personalTokenCalls, userCalls } from './people.ts';
import { groupCalls, memberCalls, placeTokenCalls, projectCalls } from './places.ts';
import { protectionCalls } from './protection.ts';
import { replicationCalls } from './replication.ts';
import { repositoryCalls } from './repositories.ts';
import { ciCalls, serverCalls } from './server.ts';
import { signatureCalls } from './signatures.ts';
import { cacheEntryCalls, upstreamCalls, virtualRegistryCalls } from './virtual-registries.ts';
import { webhookCalls } from './webhooks.ts';

export const apiCalls: ApiCalls = {
  ...groupCalls,
  ...projectCalls,
  ...memberCalls,
  ...placeTokenCalls,
  ...userCalls,
  ...personalTokenCalls,
  ...virtualRegistryCalls,
  ...upstreamCalls,
  ...cacheEntryCalls,
  ...protectionCalls,
  ...cacheCalls,
  ...repositoryCalls,
  ...serverCalls,
  ...ciCalls,
  ...replicationCalls,
  ...signatureCalls,
  ...webhookCalls,
};
