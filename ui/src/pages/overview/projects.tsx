/** The projects that one may see, those first in which something happened last. */
import { usePage } from '../../api/use-api.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { overviewTexts as t } from '../../texts/overview.ts';
import { placesTexts } from '../../texts/places.ts';
import { ProjectTable } from '../places/place-tables.tsx';

const shown = 10;

export function Projects() {
  const query = { order_by: 'last_activity_at', sort: 'desc', per_page: shown } as const;
  const projects = usePage('GET /projects', { query });
  return (
    <Section
      title={placesTexts.projects}
      actions={<a href="#/groups?tab=projects">{t.allProjects(projects.data?.total)}</a>}
    >
      <LoadState of={projects}>
        {({ items }) => (
          <ProjectTable
            projects={items}
            label={placesTexts.projects}
            empty={
              <EmptyState title={placesTexts.emptyProjects}>
                <p>{placesTexts.emptyProjectsHint}</p>
              </EmptyState>
            }
          />
        )}
      </LoadState>
    </Section>
  );
}
