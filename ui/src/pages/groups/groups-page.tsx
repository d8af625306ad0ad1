/** All groups and projects that one may know of. */
import { useState } from 'preact/hooks';
import { useConnection, usePage } from '../../api/use-api.ts';
import { Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Page } from '../../components/page.tsx';
import { SearchField } from '../../components/search-field.tsx';
import { Pager } from '../../components/table.tsx';
import { Tabs, useTab } from '../../components/tabs.tsx';
import { placesTexts as t } from '../../texts/places.ts';
import { NewPlace } from '../places/new-place.tsx';
import { GroupTable, ProjectTable } from '../places/place-tables.tsx';

const tabs = [
  { id: 'groups', label: t.groups },
  { id: 'projects', label: t.projects },
];

export function GroupsPage() {
  const tab = useTab(tabs);
  const [isMaking, setMaking] = useState(false);
  return (
    <Page
      title={t.title}
      intro={t.intro}
      actions={
        <button type="button" class="primary" onClick={() => setMaking(true)}>
          {t.newGroup}
        </button>
      }
    >
      <Tabs tabs={tabs} label={t.title} />
      {tab === 'groups' ? <Groups /> : <Projects />}
      {isMaking && <NewPlace kind="groups" onClose={() => setMaking(false)} />}
    </Page>
  );
}

function Groups() {
  const state = useListState('path', 100);
  const { search, page, perPage } = state;
  const groups = usePage('GET /groups', { query: { search, page, per_page: perPage } });
  return (
    <>
      <SearchField label={t.searchGroups} value={search} onSearch={state.searchFor} />
      <LoadState of={groups}>
        {({ items, total, hasNext }) => (
          <>
            <GroupTable
              groups={items}
              label={t.groups}
              isTree={search === ''}
              empty={search === '' ? <NoGroups /> : <NothingFound />}
            />
            <Pager state={state} total={total} hasNext={hasNext} />
          </>
        )}
      </LoadState>
    </>
  );
}

function NoGroups() {
  const { session } = useConnection();
  return (
    <EmptyState title={t.emptyGroups}>
      <p>{t.emptyGroupsHint}</p>
      <Snippet
        label={t.newGroup}
        text={`curl --header "PRIVATE-TOKEN: $TOKEN" --data name=${session.user.username}-team --data path=${session.user.username}-team ${new URL('api/v4/groups', document.baseURI).href}`}
      />
    </EmptyState>
  );
}

function Projects() {
  const state = useListState('path');
  const { search, page, perPage } = state;
  const projects = usePage('GET /projects', { query: { search, page, per_page: perPage } });
  return (
    <>
      <SearchField label={t.searchProjects} value={search} onSearch={state.searchFor} />
      <LoadState of={projects}>
        {({ items, total, hasNext }) => (
          <>
            <ProjectTable
              projects={items}
              label={t.projects}
              empty={
                search === '' ? (
                  <EmptyState title={t.emptyProjects}>
                    <p>{t.emptyProjectsHint}</p>
                  </EmptyState>
                ) : (
                  <NothingFound />
                )
              }
            />
            <Pager state={state} total={total} hasNext={hasNext} />
          </>
        )}
      </LoadState>
    </>
  );
}

function NothingFound() {
  return (
    <EmptyState title={t.nothingFound}>
      <p>{t.nothingFoundHint}</p>
    </EmptyState>
  );
}
