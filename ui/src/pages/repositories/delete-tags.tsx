/** Deletes the tags that were chosen, after what the rules say of each is shown. */
import { useState } from 'preact/hooks';
import type { ApiError } from '../../api/api-error.ts';
import { apiErrorOf, useApi, useLoaded } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Failure, Notice } from '../../components/notice.tsx';
import { useToast } from '../../components/toast.tsx';
import { tagsTexts as t } from '../../texts/repositories.ts';
import { shell } from '../../texts/shell.ts';
import { type DeletionPreview, Fates } from './fates.tsx';
import type { RepositoryOf } from './repository-of.ts';

interface DeleteTagsProps {
  readonly repository: RepositoryOf;
  readonly names: readonly string[];
  readonly onDeleted: () => void;
  readonly onClose: () => void;
}

/** So many in one request: their names are part of its address. */
const namesAtOnce = 40;

export function DeleteTags({ repository: { project, id }, names, onDeleted, onClose }: DeleteTagsProps) {
  const api = useApi();
  const tell = useToast();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const ask = async (isDryRun: boolean, signal?: AbortSignal): Promise<DeletionPreview> => {
    const total: DeletionPreview = { delete_count: 0, keep_count: 0, delete: [], keep: [] };
    let sum = total;
    for (let start = 0; start < names.length; start += namesAtOnce) {
      const query = { names: names.slice(start, start + namesAtOnce), dry_run: isDryRun };
      const path = { id: project, repository_id: id };
      const part = await api.call(
        'DELETE /projects/{id}/registry/repositories/{repository_id}/tags',
        { path, query },
        signal,
      );
      if (typeof part !== 'number') sum = added(sum, part);
    }
    return sum;
  };
  const preview = useLoaded(names.join(), (signal) => ask(true, signal));
  const remove = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { delete_count: count } = await ask(false);
      tell(t.deletedToast(count));
      onDeleted();
      onClose();
    } catch (failure) {
      setError(apiErrorOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t.previewTitle} onClose={onClose}>
      <LoadState of={preview}>
        {(found) => (
          <>
            <Fates of={found} />
            {found.delete_count === 0 ? (
              <Notice kind="info">{t.nothingGoes}</Notice>
            ) : (
              <p class="muted">{t.undoHint}</p>
            )}
            {error && <Failure error={error} />}
            <div class="form-actions">
              {found.delete_count > 0 && (
                <button type="button" class="danger" disabled={isBusy} onClick={remove}>
                  {isBusy ? shell.working : t.deleteAction(found.delete_count)}
                </button>
              )}
              <button type="button" onClick={onClose}>
                {shell.cancel}
              </button>
            </div>
          </>
        )}
      </LoadState>
    </Dialog>
  );
}

function added(a: DeletionPreview, b: DeletionPreview): DeletionPreview {
  return {
    delete_count: a.delete_count + b.delete_count,
    keep_count: a.keep_count + b.keep_count,
    delete: [...a.delete, ...b.delete],
    keep: [...a.keep, ...b.keep],
  };
}
