/** What can be done to one thing of a list; those who do not see where it stands are told of which. */
export function RowAction({
  name,
  of,
  isDisabled = false,
  onClick,
}: {
  readonly name: string;
  readonly of: string;
  readonly isDisabled?: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button type="button" class="small" aria-label={`${name} ${of}`} disabled={isDisabled} onClick={onClick}>
      {name}
    </button>
  );
}
