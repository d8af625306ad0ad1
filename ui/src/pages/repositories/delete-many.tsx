/** Deletes many tags by their names and age, in the background, after it is shown which. */
import { useState } from 'preact/hooks';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useToast } from '../../components/toast.tsx';
import { tagsTexts as t } from '../../texts/repositories.ts';
import { type DeletionPreview, Fates } from './fates.tsx';
import type { RepositoryOf } from './repository-of.ts';

interface DeleteManyProps {
  readonly repository: RepositoryOf;
  readonly onRequested: () => void;
  readonly onClose: () => void;
}

interface Criteria {
  readonly name_regex_delete: string;
  readonly name_regex_keep: string | undefined;
  readonly keep_n: number | undefined;
  readonly older_than: string | undefined;
}

const operation = 'DELETE /projects/{id}/registry/repositories/{repository_id}/tags';

export function DeleteMany({ repository: { project, id }, onRequested, onClose }: DeleteManyProps) {
  const api = useApi();
  const tell = useToast();
  const [previewed, setPreviewed] = useState<{
    readonly criteria: Criteria;
    readonly preview: DeletionPreview;
  }>();
  const path = { id: project, repository_id: id };
  if (previewed)
    return (
      <Dialog title={t.previewTitle} onClose={onClose}>
        <Form
          action={t.deleteAction(previewed.preview.delete_count)}
          onCancel={onClose}
          onSubmit={async () => {
            await api.call(operation, { path, query: previewed.criteria });
            tell(t.requested);
            onRequested();
            onClose();
          }}
        >
          <Fates of={previewed.preview} />
        </Form>
      </Dialog>
    );
  return (
    <Dialog title={t.patternTitle} onClose={onClose}>
      <Form
        action={t.preview}
        onCancel={onClose}
        onSubmit={async (values) => {
          const criteria: Criteria = {
            name_regex_delete: values.text('name_regex_delete'),
            name_regex_keep: values.optional('name_regex_keep'),
            keep_n: values.number('keep_n'),
            older_than: values.optional('older_than'),
          };
          const preview = await api.call(operation, { path, query: { ...criteria, dry_run: true } });
          if (typeof preview !== 'number') setPreviewed({ criteria, preview });
        }}
      >
        <p class="muted">{t.patternIntro}</p>
        <TextField
          name="name_regex_delete"
          label={t.nameRegexDelete}
          hint={t.nameRegexDeleteHint}
          isRequired
          hasFocus
        />
        <TextField name="name_regex_keep" label={t.nameRegexKeep} />
        <TextField name="keep_n" label={t.keepN} type="number" min={0} />
        <TextField name="older_than" label={t.olderThan} hint={t.olderThanHint} />
      </Form>
    </Dialog>
  );
}
