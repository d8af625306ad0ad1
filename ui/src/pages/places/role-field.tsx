/** A role, in a form: nobody gives more than they have. */
import { roles } from '../../api/roles.ts';
import { Select } from '../../components/fields.tsx';
import { membersTexts as t } from '../../texts/places.ts';

export function RoleField({ most }: { readonly most: number }) {
  return (
    <Select
      name="access_level"
      label={t.role}
      hint={t.roleHint}
      value="30"
      choices={roles
        .filter((each) => each <= most)
        .map((each) => ({ value: String(each), label: t.roles.get(each) ?? String(each) }))}
    />
  );
}
