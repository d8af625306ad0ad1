import { useConnection } from '../../api/use-api.ts';
import { Page } from '../../components/page.tsx';
import { overviewTexts as t } from '../../texts/overview.ts';
import { Now } from './now.tsx';
import { Traffic } from './traffic.tsx';
import { Upstreams } from './upstreams.tsx';

/** What concerns the whole server is for administrators, as the API has it. */
export function OverviewPage() {
  const { session } = useConnection();
  return (
    <Page title={t.title}>
      {session.user.is_admin && <Traffic />}
      <Upstreams />
      {session.user.is_admin && <Now />}
    </Page>
  );
}
