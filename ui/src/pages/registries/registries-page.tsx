import { useState } from 'preact/hooks';
import { useApi, useLoaded } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Page } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { hrefTo } from '../../router/place.ts';
import { goTo } from '../../router/use-place.tsx';
import { registryTexts as t } from '../../texts/registries.ts';
import { listRegistries, type ShownRegistry } from './list-registries.ts';
import { RegistryForm } from './registry-form.tsx';

export function RegistriesPage() {
  const api = useApi();
  const [isMaking, setMaking] = useState(false);
  const loaded = useLoaded('registries', (signal) => listRegistries(api, signal));
  const columns: readonly Column<ShownRegistry>[] = [
    {
      key: 'name',
      header: t.name,
      cell: ({ id, name, description }) => (
        <div>
          <a href={hrefTo(['registries', id])}>{name}</a>
          {description && <p class="muted">{description}</p>}
        </div>
      ),
    },
    { key: 'group', header: t.group, cell: ({ group }) => group.full_path },
    {
      key: 'pull',
      header: t.pull,
      cell: ({ id }) => <code>{`${location.host}/virtual_registries/container/${id}/…`}</code>,
    },
    {
      key: 'anonymous',
      header: t.anonymousShort,
      cell: ({ anonymous_pull }) => (anonymous_pull ? <Badge tone="warn">yes</Badge> : 'no'),
    },
    { key: 'made', header: t.made, cell: ({ created_at }) => <Instant at={created_at} /> },
  ];
  return (
    <Page
      title={t.title}
      intro={t.intro}
      actions={
        loaded.data &&
        loaded.data.groups.length > 0 && (
          <button type="button" class="primary" onClick={() => setMaking(true)}>
            {t.create}
          </button>
        )
      }
    >
      <LoadState of={loaded}>
        {({ registries, groups }) => (
          <Table
            label={t.title}
            columns={columns}
            rows={registries}
            keyOf={({ id }) => id}
            empty={
              <EmptyState title={t.none}>
                {groups.length === 0 ? (
                  <p>{t.noGroups}</p>
                ) : (
                  <>
                    <p>{t.noneHint}</p>
                    <Snippet text={t.pullCommand(location.host, 1)} label={t.pull} />
                  </>
                )}
              </EmptyState>
            }
          />
        )}
      </LoadState>
      {isMaking && loaded.data && (
        <RegistryForm
          groups={loaded.data.groups}
          onClose={() => setMaking(false)}
          onSaved={({ id }) => goTo(hrefTo(['registries', id]))}
        />
      )}
    </Page>
  );
}
