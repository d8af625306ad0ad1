/** A repository: its tags, those that were deleted, and its end. */
import { useState } from 'preact/hooks';
import { developer, useRole } from '../../api/roles.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Confirm } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Page } from '../../components/page.tsx';
import { Tabs, useTab } from '../../components/tabs.tsx';
import { useToast } from '../../components/toast.tsx';
import { bytesText } from '../../format.ts';
import { hrefTo } from '../../router/place.ts';
import type { PageProps } from '../../router/route.ts';
import { goTo } from '../../router/use-place.tsx';
import { repositoriesTexts as t, tagsTexts } from '../../texts/repositories.ts';
import { trailOf } from '../places/trail.ts';
import { DeletedTags } from './deleted-tags.tsx';
import { TagsList } from './tags-list.tsx';

const tabs = [
  { id: 'tags', label: tagsTexts.tags },
  { id: 'deleted', label: tagsTexts.deletedTags },
];

export function RepositoryPage({ params }: PageProps) {
  const { id: project = '', repository: id = '' } = params;
  const api = useApi();
  const tell = useToast();
  const tab = useTab(tabs);
  const role = useRole({ kind: 'projects', id: project });
  const [isDeleting, setDeleting] = useState(false);
  const found = useAnswer('GET /registry/repositories/{id}', { path: { id }, query: { size: true } });
  return (
    <LoadState of={found}>
      {({ path, location, size, delete_api_path: deletePath }) => (
        <Page
          title={path}
          intro={size === undefined ? undefined : `${bytesText(size)}, ${t.measure}`}
          trail={trailOf(project, true)}
          actions={
            deletePath && (
              <button type="button" onClick={() => setDeleting(true)}>
                {t.delete}
              </button>
            )
          }
        >
          <Tabs tabs={tabs} label={t.repository} />
          {tab === 'tags' ? (
            <TagsList repository={{ project, id, location }} mayDelete={deletePath !== undefined} />
          ) : (
            <DeletedTags repository={{ project, id, location }} mayRestore={role >= developer} />
          )}
          {isDeleting && (
            <Confirm
              title={t.delete}
              action={t.delete}
              name={path}
              onClose={() => setDeleting(false)}
              onConfirm={async () => {
                await api.call('DELETE /projects/{id}/registry/repositories/{repository_id}', {
                  path: { id: project, repository_id: id },
                });
                tell(t.deleting(path));
                goTo(hrefTo(['projects', project]));
              }}
            >
              <p>{t.deleteText}</p>
            </Confirm>
          )}
        </Page>
      )}
    </LoadState>
  );
}
