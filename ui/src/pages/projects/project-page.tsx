/** A project: its repositories, who may do what, and its rules. */
import { maintainer, owner, type PlaceOf, useRole } from '../../api/roles.ts';
import { useAnswer } from '../../api/use-api.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Page } from '../../components/page.tsx';
import { Tabs, useTab } from '../../components/tabs.tsx';
import type { PageProps } from '../../router/route.ts';
import { placesTexts as t } from '../../texts/places.ts';
import { cleanupTexts, hooksTexts, rulesTexts, trustsTexts } from '../../texts/projects.ts';
import { replicationTexts } from '../../texts/replication.ts';
import { AuditEvents } from '../places/audit-events.tsx';
import { Members } from '../places/members.tsx';
import { Visibility } from '../places/place-tables.tsx';
import { PlaceTokens } from '../places/place-tokens.tsx';
import { trailOf } from '../places/trail.ts';
import { Cleanup } from './cleanup.tsx';
import { Hooks } from './hooks.tsx';
import { ProjectRepositories } from './project-repositories.tsx';
import { ProjectSettings } from './project-settings.tsx';
import { Protection } from './protection.tsx';
import { Replications } from './replications.tsx';
import { Trusts } from './trusts.tsx';

export function ProjectPage({ params }: PageProps) {
  const { id = '' } = params;
  const place: PlaceOf = { kind: 'projects', id };
  const role = useRole(place);
  const tabs = [
    { id: 'repositories', label: t.repositories },
    { id: 'members', label: t.members },
    ...(role >= maintainer
      ? [
          { id: 'tokens', label: t.tokens },
          { id: 'ci', label: trustsTexts.tab },
          { id: 'hooks', label: hooksTexts.tab },
          { id: 'replication', label: replicationTexts.tab },
          { id: 'protection', label: rulesTexts.tab },
          { id: 'cleanup', label: cleanupTexts.tab },
        ]
      : []),
    ...(role >= owner ? [{ id: 'audit', label: t.audit }] : []),
    ...(role >= maintainer ? [{ id: 'settings', label: t.settings }] : []),
  ];
  const tab = useTab(tabs);
  const project = useAnswer('GET /projects/{id}', { path: { id }, query: { statistics: true } });
  return (
    <LoadState of={project}>
      {(found) => (
        <Page
          title={found.path_with_namespace}
          intro={found.description ?? undefined}
          trail={trailOf(found.path_with_namespace, false)}
          actions={<Visibility of={found.visibility} />}
        >
          <Tabs tabs={tabs} label={t.project} />
          {tab === 'repositories' && <ProjectRepositories project={found} />}
          {tab === 'members' && <Members place={place} />}
          {tab === 'tokens' && <PlaceTokens place={place} />}
          {tab === 'ci' && <Trusts id={id} role={role} />}
          {tab === 'hooks' && <Hooks id={id} />}
          {tab === 'replication' && <Replications id={id} />}
          {tab === 'protection' && <Protection id={id} />}
          {tab === 'cleanup' && found.container_expiration_policy && (
            <Cleanup id={id} policy={found.container_expiration_policy} onSaved={project.reload} />
          )}
          {tab === 'audit' && <AuditEvents place={place} />}
          {tab === 'settings' && (
            <ProjectSettings project={found} mayDelete={role >= owner} onSaved={project.reload} />
          )}
        </Page>
      )}
    </LoadState>
  );
}
