import type { ItemOf } from '../../api/api.ts';

/** An upstream at its place in a virtual registry. */
export type PlacedUpstream = ItemOf<'GET /virtual_registries/container/registries/{id}/upstreams'>;
