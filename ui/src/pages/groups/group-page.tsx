/** A group: what is in it, who may do what there, and its settings. */
import { useState } from 'preact/hooks';
import { developer, maintainer, owner, type PlaceOf, useRole } from '../../api/roles.ts';
import { useAnswer, usePage } from '../../api/use-api.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Page, Section } from '../../components/page.tsx';
import { Tabs, useTab } from '../../components/tabs.tsx';
import type { PageProps } from '../../router/route.ts';
import { placesTexts as t } from '../../texts/places.ts';
import { AuditEvents } from '../places/audit-events.tsx';
import { Members } from '../places/members.tsx';
import { NewPlace } from '../places/new-place.tsx';
import { GroupTable, ProjectTable, Visibility } from '../places/place-tables.tsx';
import { PlaceTokens } from '../places/place-tokens.tsx';
import { trailOf } from '../places/trail.ts';
import { Usage } from '../places/usage.tsx';
import { GroupRepositories } from './group-repositories.tsx';
import { GroupSettings } from './group-settings.tsx';

export function GroupPage({ params }: PageProps) {
  const { id = '' } = params;
  const place: PlaceOf = { kind: 'groups', id };
  const role = useRole(place);
  const tabs = [
    { id: 'contents', label: t.contents },
    { id: 'repositories', label: t.repositories },
    { id: 'members', label: t.members },
    ...(role >= maintainer ? [{ id: 'tokens', label: t.tokens }] : []),
    ...(role >= owner
      ? [
          { id: 'audit', label: t.audit },
          { id: 'settings', label: t.settings },
        ]
      : []),
  ];
  const tab = useTab(tabs);
  const group = useAnswer('GET /groups/{id}', { path: { id }, query: { statistics: true } });
  return (
    <LoadState of={group}>
      {(found) => (
        <Page
          title={found.full_path}
          intro={found.description ?? undefined}
          trail={trailOf(found.full_path, false)}
          actions={<Visibility of={found.visibility} />}
        >
          <Tabs tabs={tabs} label={t.group} />
          {tab === 'contents' && (
            <>
              <div class="grid narrow">
                <Usage
                  label={t.hosted}
                  used={found.statistics?.container_registry_size}
                  quota={found.container_registry_quota_bytes}
                />
                {found.parent_id === null && (
                  <Usage label={t.cached} used={found.statistics?.virtual_registries_size} />
                )}
              </div>
              <Contents
                id={id}
                groupId={found.id}
                mayMake={role >= maintainer}
                mayMakeProject={role >= developer}
              />
            </>
          )}
          {tab === 'repositories' && <GroupRepositories id={id} />}
          {tab === 'members' && <Members place={place} />}
          {tab === 'tokens' && <PlaceTokens place={place} />}
          {tab === 'audit' && <AuditEvents place={place} />}
          {tab === 'settings' && <GroupSettings group={found} onSaved={group.reload} />}
        </Page>
      )}
    </LoadState>
  );
}

interface ContentsProps {
  readonly id: string;
  readonly groupId: number;
  readonly mayMake: boolean;
  readonly mayMakeProject: boolean;
}

function Contents({ id, groupId, mayMake, mayMakeProject }: ContentsProps) {
  const [making, setMaking] = useState<'groups' | 'projects'>();
  const query = { per_page: 100 };
  const subgroups = usePage('GET /groups/{id}/subgroups', { path: { id }, query });
  const projects = usePage('GET /groups/{id}/projects', { path: { id }, query });
  return (
    <>
      <Section
        title={t.projects}
        actions={
          mayMakeProject && (
            <button type="button" class="primary" onClick={() => setMaking('projects')}>
              {t.newProject}
            </button>
          )
        }
      >
        <LoadState of={projects}>
          {({ items }) => (
            <ProjectTable
              projects={items}
              label={t.projects}
              empty={<p class="muted">{t.emptyProjectsHint}</p>}
            />
          )}
        </LoadState>
      </Section>
      <Section
        title={t.subgroups}
        actions={
          mayMake && (
            <button type="button" onClick={() => setMaking('groups')}>
              {t.newSubgroup}
            </button>
          )
        }
      >
        <LoadState of={subgroups}>
          {({ items }) => (
            <GroupTable groups={items} label={t.subgroups} empty={<p class="muted">{t.noSubgroups}</p>} />
          )}
        </LoadState>
      </Section>
      {making && <NewPlace kind={making} parentId={groupId} onClose={() => setMaking(undefined)} />}
    </>
  );
}
