/** Who may pull, in a form. */
import { Select } from '../../components/fields.tsx';
import { placesTexts as t } from '../../texts/places.ts';

export const visibilities = ['private', 'internal', 'public'] as const;
export type VisibilityName = (typeof visibilities)[number];

export function VisibilityField({ value }: { readonly value: VisibilityName }) {
  return (
    <Select
      name="visibility"
      label={t.visibility}
      value={value}
      choices={visibilities.map((each) => ({
        value: each,
        label: `${t.visibilities[each]} – ${t.visibilityHints[each]}`,
      }))}
    />
  );
}
