/** Upstreams as records, whose passwords are sealed, and as settings, whose passwords are not. */
import type { SecretBox } from '../../auth/credentials/secret-box.ts';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { UpstreamSettings } from '../../upstreams/upstream.ts';

export type UpstreamCredentials = NonNullable<UpstreamSettings['credentials']>;

export class UpstreamSecrets {
  readonly #box: SecretBox;

  constructor(box: SecretBox) {
    this.#box = box;
  }

  /** The sealed password is good for this URL only: whoever moves it to another upstream cannot open it. */
  seal(url: string, password: string): string {
    return this.#box.seal(password, contextOf(url));
  }

  /** Undefined for an anonymous upstream. @throws Error when the secret key is another one */
  open({
    url,
    username,
    passwordSealed,
  }: Pick<UpstreamRecord, 'url' | 'username' | 'passwordSealed'>): UpstreamCredentials | undefined {
    if (username === undefined || passwordSealed === undefined) return undefined;
    return { username, password: this.#box.open(passwordSealed, contextOf(url)) };
  }

  /** Whether these credentials are stored. Stored ones that cannot be opened any more are nobody's. */
  isStored(
    record: Pick<UpstreamRecord, 'url' | 'username' | 'passwordSealed'>,
    given: UpstreamCredentials | undefined,
  ): boolean {
    if (record.username !== given?.username) return false;
    try {
      return this.open(record)?.password === given?.password;
    } catch {
      return false;
    }
  }

  /** @throws Error when the secret key is another one */
  settingsOf(record: UpstreamRecord): UpstreamSettings {
    const { stripPrefix, addPrefix } = record;
    const { id, name, url, allowPatterns, denyPatterns, allowPrivateNetwork, cacheValidityHours, updatedAt } =
      record;
    return {
      id,
      name,
      url,
      credentials: this.open(record),
      stripPrefix,
      addPrefix,
      allowPatterns,
      denyPatterns,
      allowPrivateNetwork,
      cacheValidityHours,
      updatedAt,
    };
  }
}

function contextOf(url: string): string {
  return `upstream ${url}`;
}
