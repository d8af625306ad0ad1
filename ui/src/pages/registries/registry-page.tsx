import { useState } from 'preact/hooks';
import { maintainer, owner, useRole } from '../../api/roles.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Page } from '../../components/page.tsx';
import { type Tab, Tabs, useTab } from '../../components/tabs.tsx';
import { useToast } from '../../components/toast.tsx';
import type { PageProps } from '../../router/route.ts';
import { goTo } from '../../router/use-place.tsx';
import { registryTexts as t } from '../../texts/registries.ts';
import { CacheTab } from './cache-tab.tsx';
import { DeleteRegistry } from './delete-registry.tsx';
import { ExplainTab } from './explain-tab.tsx';
import { LimitsTab } from './limits-tab.tsx';
import { PinsTab } from './pins-tab.tsx';
import { RegistryForm } from './registry-form.tsx';
import { SetupTab } from './setup-tab.tsx';
import { UpstreamsTab } from './upstreams-tab.tsx';

const tabs: readonly Tab[] = [
  { id: 'upstreams', label: t.tabs.upstreams },
  { id: 'explain', label: t.tabs.explain },
  { id: 'cache', label: t.tabs.cache },
  { id: 'pins', label: t.tabs.pins },
  { id: 'limits', label: t.tabs.limits },
  { id: 'setup', label: t.tabs.setup },
];

type Asking = 'edit' | 'clear' | 'delete';

export function RegistryPage({ params }: PageProps) {
  const api = useApi();
  const tell = useToast();
  const tab = useTab(tabs);
  const [asking, setAsking] = useState<Asking>();
  const path = { id: Number(params['id']) };
  const registry = useAnswer('GET /virtual_registries/container/registries/{id}', { path });
  const group = registry.data && ({ kind: 'groups', id: String(registry.data.group_id) } as const);
  const role = useRole(group);
  const mayChange = role >= maintainer;
  const close = () => setAsking(undefined);
  const trail = [{ label: t.title, href: '#/registries' }];
  return (
    <Page
      title={registry.data?.name ?? t.title}
      trail={trail}
      intro={
        registry.data && (
          <>
            <code>{`${location.host}/virtual_registries/container/${path.id}/`}</code>{' '}
            {registry.data.anonymous_pull && <Badge tone="warn">{t.anonymousShort}</Badge>}{' '}
            {registry.data.description}
          </>
        )
      }
      actions={
        mayChange && (
          <>
            <button type="button" onClick={() => setAsking('edit')}>
              {t.edit}
            </button>
            <button type="button" onClick={() => setAsking('clear')}>
              {t.clearCache}
            </button>
            <button type="button" onClick={() => setAsking('delete')}>
              {t.delete}
            </button>
          </>
        )
      }
    >
      <Tabs tabs={tabs} label={registry.data?.name ?? t.title} />
      <LoadState of={registry}>
        {(data) => (
          <>
            {tab === 'upstreams' && <UpstreamsTab registry={data} mayChange={mayChange} />}
            {tab === 'explain' && <ExplainTab registryId={data.id} />}
            {tab === 'cache' && <CacheTab registryId={data.id} mayChange={mayChange} />}
            {tab === 'pins' && <PinsTab registryId={data.id} mayChange={mayChange} />}
            {tab === 'limits' && <LimitsTab groupId={data.group_id} mayChange={role >= owner} />}
            {tab === 'setup' && <SetupTab registryId={data.id} />}
            {asking === 'edit' && <RegistryForm registry={data} onSaved={registry.reload} onClose={close} />}
            {asking === 'delete' && (
              <DeleteRegistry registry={data} onDeleted={() => goTo('#/registries')} onClose={close} />
            )}
          </>
        )}
      </LoadState>
      {asking === 'clear' && (
        <Confirm
          title={t.clearTitle}
          action={t.clearCache}
          onClose={close}
          onConfirm={async () => {
            await api.call('DELETE /virtual_registries/container/registries/{id}/cache', { path });
            tell(t.cleared);
            registry.reload();
          }}
        >
          <p>{t.clearText}</p>
        </Confirm>
      )}
    </Page>
  );
}
