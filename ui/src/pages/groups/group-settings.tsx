/** What can be set of a group, and its end. */
import type { Answer } from '../../api/api.ts';
import { useApi } from '../../api/use-api.ts';
import { placesTexts as t } from '../../texts/places.ts';
import { PlaceSettings } from '../places/place-settings.tsx';

interface GroupSettingsProps {
  readonly group: Answer<'GET /groups/{id}'>;
  readonly onSaved: () => void;
}

export function GroupSettings({ group, onSaved }: GroupSettingsProps) {
  const api = useApi();
  const path = { id: group.id };
  return (
    <PlaceSettings
      of={group}
      path={group.full_path}
      onSave={async (body) => {
        await api.call('PUT /groups/{id}', { path, body });
        onSaved();
      }}
      mayDelete
      deletion={{ action: t.deleteGroup, text: t.deleteGroupText, leadsTo: '#/groups' }}
      onDelete={() => api.call('DELETE /groups/{id}', { path })}
    />
  );
}
