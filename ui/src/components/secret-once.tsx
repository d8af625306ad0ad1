/** A new secret, which is shown this once. */
import { placeTokensTexts as t } from '../texts/places.ts';
import { Snippet } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';

interface SecretOnceProps {
  readonly secret: string;
  /** What `docker login` is given with it; undefined: it is for something else. */
  readonly username?: string | undefined;
  readonly onClose: () => void;
}

export function SecretOnce({ secret, username, onClose }: SecretOnceProps) {
  return (
    <Dialog title={t.madeTitle} onClose={onClose}>
      <Notice kind="warn">{t.madeText}</Notice>
      <Snippet text={secret} label={t.madeTitle} />
      {username !== undefined && (
        <>
          <p>{t.madeLogin}</p>
          <Snippet text={`docker login ${location.host} -u ${username} -p ${secret}`} label={t.madeLogin} />
        </>
      )}
      <div class="form-actions">
        <button type="button" class="primary" onClick={onClose}>
          {t.done}
        </button>
      </div>
    </Dialog>
  );
}
