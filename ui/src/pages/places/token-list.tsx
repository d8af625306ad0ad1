/** Tokens of a group or project; a new one is shown once. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from '../../components/dialog.tsx';
import { EditedList, type EditedListProps } from '../../components/edited-list.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { CheckBoxes, TextField } from '../../components/fields.tsx';
import { Form, type FormValues } from '../../components/form.tsx';
import { SecretOnce } from '../../components/secret-once.tsx';
import { placeTokensTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';

interface Made {
  readonly token: string;
  /** What `docker login` is given with it. */
  readonly username: string;
}

interface TokenListProps<R> extends Pick<EditedListProps<R>, 'title' | 'intro' | 'of' | 'columns' | 'add'> {
  readonly emptyTitle: string;
  readonly emptyHint: string;
  readonly scopes: readonly string[];
  /** What is asked for beside a name, an end and scopes. */
  readonly fields: ComponentChildren;
  readonly create: (values: FormValues) => Promise<Made>;
  readonly revoke: (token: R) => Promise<unknown>;
}

export function TokenList<R extends { readonly id: number; readonly name: string }>({
  emptyTitle,
  emptyHint,
  scopes,
  fields,
  create,
  revoke,
  ...list
}: TokenListProps<R>) {
  const [made, setMade] = useState<Made>();
  return (
    <>
      <EditedList
        {...list}
        nameOf={({ name }) => name}
        empty={
          <EmptyState title={emptyTitle}>
            <p>{emptyHint}</p>
          </EmptyState>
        }
        removal={{
          action: t.revoke,
          title: t.revokeTitle,
          text: ({ name }) => t.revokeText(name),
          done: ({ name }) => t.revoked(name),
          run: revoke,
        }}
        dialog={({ onClose, onSaved }) => (
          <Dialog title={list.add} onClose={onClose}>
            <Form
              action={shell.create}
              onCancel={onClose}
              onSubmit={async (values) => {
                setMade(await create(values));
                onSaved();
              }}
            >
              <TextField name="name" label={t.name} isRequired hasFocus />
              {fields}
              <TextField name="expires_at" type="date" label={t.expires} hint={t.expiresHint} />
              <CheckBoxes name="scopes" legend={t.scopes} choices={scopes} checked={['read_registry']} />
            </Form>
          </Dialog>
        )}
      />
      {made && <SecretOnce secret={made.token} username={made.username} onClose={() => setMade(undefined)} />}
    </>
  );
}
