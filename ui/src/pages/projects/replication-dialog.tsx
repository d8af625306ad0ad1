/** Makes a replication rule, or changes one. */
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useToast } from '../../components/toast.tsx';
import { replicationTexts as t } from '../../texts/replication.ts';
import { shell } from '../../texts/shell.ts';

export type ReplicationRule = ItemOf<'GET /projects/{id}/registry/replication/rules'>;

const directions = ['push', 'pull'] as const;
const triggers = ['manual', 'event', 'schedule'] as const;

interface ReplicationDialogProps {
  /** Of the project. */
  readonly id: string;
  /** Undefined: a new one. */
  readonly rule: ReplicationRule | undefined;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

export function ReplicationDialog({ id, rule, onSaved, onClose }: ReplicationDialogProps) {
  const api = useApi();
  const tell = useToast();
  return (
    <Dialog title={rule ? t.edit : t.add} onClose={onClose}>
      <Form
        action={rule ? shell.save : shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const password = values.secret('password');
          const username = values.optional('username');
          const target = values.optional('target');
          const body = {
            name: values.text('name'),
            trigger: chosen(values.text('trigger'), triggers, 'manual'),
            every_hours: values.number('every_hours') ?? null,
            url: values.text('url'),
            repository_regex: values.optional('repository_regex') ?? null,
            tag_regex: values.text('tag_regex'),
            override: values.checked('override'),
            deletions: values.checked('deletions'),
            referrers: values.checked('referrers'),
            allow_private_network: values.checked('allow_private_network'),
            enabled: values.checked('enabled'),
            ...(username !== undefined && { username }),
            ...(password !== '' && { password }),
            ...(target !== undefined && { target }),
          };
          const direction = chosen(values.text('direction'), directions, 'push');
          await (rule
            ? api.call('PUT /projects/{id}/registry/replication/rules/{rule_id}', {
                path: { id, rule_id: rule.id },
                body,
              })
            : api.call('POST /projects/{id}/registry/replication/rules', {
                path: { id },
                body: { ...body, direction },
              }));
          tell(t.saved);
          onSaved();
        }}
      >
        <TextField name="name" label={t.name} value={rule?.name} isRequired hasFocus />
        {!rule && (
          <Select
            name="direction"
            label={t.direction}
            choices={directions.map((value) => ({ value, label: t.directions[value] }))}
          />
        )}
        <TextField name="url" label={t.url} hint={t.urlHint} value={rule?.url} isRequired />
        <TextField name="username" label={t.username} value={rule?.username} />
        <TextField
          name="password"
          label={t.password}
          hint={rule?.username ? `${t.passwordHint} ${t.passwordKept}` : t.passwordHint}
          type="password"
          autocomplete="new-password"
        />
        <TextField
          name="repository_regex"
          label={t.repositories}
          hint={t.repositoriesHint}
          value={rule?.repository_regex}
        />
        <TextField
          name="tag_regex"
          label={t.tags}
          hint={t.tagsHint}
          value={rule?.tag_regex ?? '.*'}
          isRequired
        />
        <TextField name="target" label={t.target} hint={t.targetHint} value={rule?.target} />
        <Select
          name="trigger"
          label={t.trigger}
          value={rule?.trigger}
          choices={triggers.map((value) => ({ value, label: t.triggers[value] }))}
        />
        <TextField
          name="every_hours"
          label={t.everyHours}
          hint={t.everyHoursHint}
          type="number"
          min={1}
          max={8784}
          value={rule?.every_hours}
        />
        <fieldset>
          <legend>{t.options}</legend>
          <CheckBox name="override" label={t.override} isChecked={rule?.override ?? true} />
          <CheckBox name="deletions" label={t.deletions} isChecked={rule?.deletions ?? false} />
          <CheckBox name="referrers" label={t.referrers} isChecked={rule?.referrers ?? true} />
          <CheckBox
            name="allow_private_network"
            label={t.allowPrivate}
            isChecked={rule?.allow_private_network ?? false}
          />
          <CheckBox name="enabled" label={t.enabled} isChecked={rule?.enabled ?? true} />
        </fieldset>
      </Form>
    </Dialog>
  );
}
