import { useState } from 'preact/hooks';
import { useApi, useLoaded } from '../../api/use-api.ts';
import { Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Page } from '../../components/page.tsx';
import { hrefTo } from '../../router/place.ts';
import { goTo } from '../../router/use-place.tsx';
import { registryTexts as t } from '../../texts/registries.ts';
import { listRegistries } from './list-registries.ts';
import { RegistryForm } from './registry-form.tsx';
import { RegistryTable } from './registry-table.tsx';

export function RegistriesPage() {
  const api = useApi();
  const [isMaking, setMaking] = useState(false);
  const loaded = useLoaded('registries', (signal) => listRegistries(api, signal));
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
          <RegistryTable
            registries={registries}
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
