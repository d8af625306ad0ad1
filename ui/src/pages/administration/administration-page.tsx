/** What administrators look after. */
import { useConnection } from '../../api/use-api.ts';
import { Notice } from '../../components/notice.tsx';
import { Page } from '../../components/page.tsx';
import { Tabs, useTab } from '../../components/tabs.tsx';
import { adminTexts as t } from '../../texts/administration.ts';
import { AuditEvents } from '../places/audit-events.tsx';
import { Collector } from './collector.tsx';
import { Settings } from './settings.tsx';
import { SigningKeys } from './signing-keys.tsx';
import { StorageFindings } from './storage-findings.tsx';
import { Tasks } from './tasks.tsx';
import { Users } from './users.tsx';

const tabs = [
  { id: 'users', label: t.users },
  { id: 'tasks', label: t.tasks },
  { id: 'collector', label: t.collector },
  { id: 'storage', label: t.storage },
  { id: 'audit', label: t.audit },
  { id: 'settings', label: t.settings },
  { id: 'keys', label: t.keys },
];

export function AdministrationPage() {
  const { session } = useConnection();
  const tab = useTab(tabs);
  if (!session.user.is_admin)
    return (
      <Page title={t.title}>
        <Notice kind="warn">{t.forAdmins}</Notice>
      </Page>
    );
  return (
    <Page title={t.title}>
      <Tabs tabs={tabs} label={t.title} />
      {tab === 'users' && <Users />}
      {tab === 'tasks' && <Tasks />}
      {tab === 'collector' && <Collector />}
      {tab === 'storage' && <StorageFindings />}
      {tab === 'audit' && <AuditEvents />}
      {tab === 'settings' && <Settings />}
      {tab === 'keys' && <SigningKeys />}
    </Page>
  );
}
