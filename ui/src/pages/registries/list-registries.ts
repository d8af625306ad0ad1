/** All virtual registries that one may see, group by group, as the API has them. */
import type { Api, ItemOf } from '../../api/api.ts';
import type { Schemas } from '../../api/schema.ts';

export type Group = ItemOf<'GET /groups'>;

export interface ShownRegistry extends Readonly<Schemas['VirtualRegistry']> {
  readonly group: Group;
}

export interface ListedRegistries {
  /** Of the top level. */
  readonly groups: readonly Group[];
  readonly registries: readonly ShownRegistry[];
}

/** Those of a group are not many; a group that may be seen, and its virtual registries not, has none to show. @throws ApiError */
export async function listRegistries(api: Api, signal: AbortSignal): Promise<ListedRegistries> {
  const all = await api.all('GET /groups', {}, signal);
  const groups = all.filter(({ parent_id }) => parent_id === null);
  const lists = await Promise.all(
    groups.map(async (group) => {
      const given = { path: { id: group.id } };
      const found = await api
        .call('GET /groups/{id}/-/virtual_registries/container/registries', given, signal)
        .catch(() => []);
      return found.map((registry) => ({ ...registry, group }));
    }),
  );
  return { groups, registries: lists.flat() };
}
