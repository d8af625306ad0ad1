/** What can be set of a project, and its end. */
import type { Answer } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useApi } from '../../api/use-api.ts';
import { Select } from '../../components/fields.tsx';
import { placesTexts as t } from '../../texts/places.ts';
import { PlaceSettings } from '../places/place-settings.tsx';

interface ProjectSettingsProps {
  readonly project: Answer<'GET /projects/{id}'>;
  readonly mayDelete: boolean;
  readonly onSaved: () => void;
}

const accessLevels = ['enabled', 'private', 'disabled'] as const;
const accessLevelName = 'container_registry_access_level';

export function ProjectSettings({ project, mayDelete, onSaved }: ProjectSettingsProps) {
  const api = useApi();
  const path = { id: project.id };
  const { container_registry_access_level: level = 'enabled' } = project;
  return (
    <PlaceSettings
      of={project}
      path={project.path_with_namespace}
      fields={
        <Select
          name={accessLevelName}
          label={t.registryAccess}
          value={level}
          choices={accessLevels.map((each) => ({ value: each, label: t.registryAccessLevels[each] }))}
        />
      }
      onSave={async (settings, values) => {
        const given = chosen(values.text(accessLevelName), accessLevels, level);
        await api.call('PUT /projects/{id}', {
          path,
          body: { ...settings, container_registry_access_level: given },
        });
        onSaved();
      }}
      mayDelete={mayDelete}
      deletion={{ action: t.deleteProject, text: t.deleteProjectText, leadsTo: '#/groups?tab=projects' }}
      onDelete={() => api.call('DELETE /projects/{id}', { path })}
    />
  );
}
