import { useApi, useConnection, useLoaded } from '../../api/use-api.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Page, Section } from '../../components/page.tsx';
import { overviewTexts as t } from '../../texts/overview.ts';
import { registryTexts } from '../../texts/registries.ts';
import { listRegistries } from '../registries/list-registries.ts';
import { RegistryTable } from '../registries/registry-table.tsx';
import { Now } from './now.tsx';
import { Projects } from './projects.tsx';
import { Traffic } from './traffic.tsx';
import { Upstreams } from './upstreams.tsx';

/** What concerns the whole server is for administrators, as the API has it. */
export function OverviewPage() {
  const { session } = useConnection();
  const api = useApi();
  const listed = useLoaded('registries', (signal) => listRegistries(api, signal));
  return (
    <Page title={t.title}>
      {session.user.is_admin && <Traffic />}
      <LoadState of={listed}>
        {({ registries }) => (
          <>
            <Section title={registryTexts.title} actions={<a href="#/registries">{t.allRegistries}</a>}>
              <RegistryTable registries={registries} empty={<p class="muted">{t.registriesNone}</p>} />
            </Section>
            <Upstreams registries={registries} />
          </>
        )}
      </LoadState>
      <Projects />
      {session.user.is_admin && <Now />}
    </Page>
  );
}
