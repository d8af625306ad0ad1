/** Copies an image to another repository or tag of the server, or gives it another tag where it is. */
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useToast } from '../../components/toast.tsx';
import { hrefTo } from '../../router/place.ts';
import { goTo } from '../../router/use-place.tsx';
import { copyTexts as t } from '../../texts/repositories.ts';

interface CopyTagProps {
  /** Full path of its project. */
  readonly project: string;
  readonly repositoryId: string;
  /** Full name of its repository. */
  readonly repository: string;
  readonly tag: string;
  readonly onClose: () => void;
}

export function CopyTag({ project, repositoryId, repository, tag, onClose }: CopyTagProps) {
  const api = useApi();
  const tell = useToast();
  return (
    <Dialog title={t.title} onClose={onClose}>
      <p class="muted">{t.intro}</p>
      <Form
        action={t.action}
        onCancel={onClose}
        onSubmit={async (values) => {
          const copied = await api.call(
            'POST /projects/{id}/registry/repositories/{repository_id}/tags/{tag_name}/copy',
            {
              path: { id: project, repository_id: repositoryId, tag_name: tag },
              body: {
                destination_repository: values.text('destination_repository'),
                destination_tag: values.text('destination_tag'),
                referrers: values.checked('referrers'),
              },
            },
          );
          tell(t.copied(copied.path));
          onClose();
          const { project_path, repository_id, name } = copied;
          goTo(hrefTo(['projects', project_path, 'repositories', String(repository_id), 'tags', name]));
        }}
      >
        <TextField
          name="destination_repository"
          label={t.repository}
          hint={t.repositoryHint}
          value={repository}
          isRequired
          hasFocus
        />
        <TextField name="destination_tag" label={t.tag} value={tag} isRequired />
        <CheckBox name="referrers" label={t.referrers} hint={t.referrersHint} isChecked />
      </Form>
    </Dialog>
  );
}
