/**
 * What is set for the whole installation while it runs: whether anything can be changed, which registries are on, and what new projects and
 * tokens begin with. All processes on one database see it within a second. The configuration says what holds where nothing was set, and
 * what it turns off stays off.
 */
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import { type RegistryAccessLevel, registryAccessLevels } from '../../metadata/namespaces/projects.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator } from '../acting/rights.ts';
import type { RegistryKind } from '../endpoint/endpoint.ts';

export interface SettingValues {
  readonly isReadOnly: boolean;
  /** What is said to whoever wants to change something; undefined: something that fits. */
  readonly message: string | undefined;
  /** Whether hosted repositories can be used. */
  readonly isHostedEnabled: boolean;
  /** Whether virtual registries can be used. */
  readonly isVirtualEnabled: boolean;
  /** Of new projects. */
  readonly defaultAccessLevel: RegistryAccessLevel;
  /** How long registry tokens last. */
  readonly tokenMs: number;
}

/** What holds where nothing is set. */
export type ConfiguredSettings = Omit<SettingValues, 'message'>;

/** What is undefined stays as it is; null clears, and the configuration holds again. */
export interface SettingChanges {
  readonly isReadOnly?: boolean | undefined;
  readonly message?: string | null | undefined;
  readonly isHostedEnabled?: boolean | undefined;
  readonly isVirtualEnabled?: boolean | undefined;
  readonly defaultAccessLevel?: RegistryAccessLevel | null | undefined;
  readonly tokenMinutes?: number | null | undefined;
}

export interface ApplicationSettingsOptions {
  readonly database: Pick<Database, 'instance' | 'transaction'>;
  readonly configured: ConfiguredSettings;
  /** Has virtual registries looked at again. */
  readonly forgetRegistries: () => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const believedMs = 1000;
const minuteMs = 60_000;
/** What each is called in the records, in the API and in audit events. */
const keys = {
  isReadOnly: 'maintenance_mode',
  message: 'maintenance_mode_message',
  isHostedEnabled: 'container_registry_enabled',
  isVirtualEnabled: 'virtual_registries_enabled',
  defaultAccessLevel: 'default_container_registry_access_level',
  tokenMinutes: 'container_registry_token_expire_delay',
} as const satisfies Record<keyof SettingChanges, string>;
/** What is on or off, as it is where nobody said anything, and what of the configuration keeps it the other way. */
const switches = [
  { name: 'isReadOnly', usual: false, setting: 'maintenance.read_only is true' },
  { name: 'isHostedEnabled', usual: true, setting: 'hosted.enabled is false' },
  { name: 'isVirtualEnabled', usual: true, setting: 'virtual_registries.enabled is false' },
] as const;
const readOnlyMessage = 'this server is in read-only mode: pulls work, nothing can be changed';
const offMessages: Record<RegistryKind, string> = {
  hosted: `the registry of images that are pushed here is turned off for this server, and the images are kept: an administrator turns it on again (${keys.isHostedEnabled} in the application settings, or hosted.enabled in the configuration)`,
  virtual: `virtual registries are turned off for this server, and what they have cached is kept: an administrator turns them on again (${keys.isVirtualEnabled} in the application settings, or virtual_registries.enabled in the configuration)`,
};

export class ApplicationSettings {
  readonly #options: ApplicationSettingsOptions;
  #belief: { readonly at: number; readonly values: Promise<SettingValues> } | undefined;

  constructor(options: ApplicationSettingsOptions) {
    this.#options = options;
  }

  /** Why nothing can be changed now, for people to read; undefined: it can. */
  async readOnlyReason(): Promise<string | undefined> {
    const { isReadOnly, message } = await this.#believe();
    return isReadOnly ? (message ?? readOnlyMessage) : undefined;
  }

  /** Why registries of a kind cannot be used now, for people to read; undefined: they can. */
  async offReason(kind: RegistryKind): Promise<string | undefined> {
    const { isHostedEnabled, isVirtualEnabled } = await this.#believe();
    return (kind === 'hosted' ? isHostedEnabled : isVirtualEnabled) ? undefined : offMessages[kind];
  }

  /** Of new projects. */
  async defaultAccessLevel(): Promise<RegistryAccessLevel> {
    return (await this.#believe()).defaultAccessLevel;
  }

  /** How long registry tokens that are issued now last. */
  async tokenMs(): Promise<number> {
    return (await this.#believe()).tokenMs;
  }

  /** Administrators see them. @throws RefusedError unauthorized, forbidden */
  async get(actor: Actor): Promise<SettingValues> {
    demandAdministrator(actor, 'read');
    return this.#read(this.#options.database);
  }

  /** Administrators set them. @throws RefusedError unauthorized, forbidden, conflict for what the configuration has turned off */
  async set(actor: Actor, changes: SettingChanges): Promise<SettingValues> {
    demandAdministrator(actor, 'write');
    const { database, configured, forgetRegistries } = this.#options;
    for (const { name, usual, setting } of switches) {
      if (changes[name] !== usual || configured[name] === usual) continue;
      const reason = `${setting} in the configuration, and can only be undone there`;
      throw new RefusedError('conflict', `409 Conflict - ${reason}`);
    }
    const texts = Object.entries(textsOf(changes));
    const values = await database.transaction(async (tx) => {
      for (const [key, text] of texts) await tx.instance.set(key, text);
      await recordChange(tx, actor, {
        action: 'application_setting.update',
        targetId: 'application',
        details: detailsOf(changes),
      });
      return this.#read(tx);
    });
    this.#belief = undefined;
    forgetRegistries();
    return values;
  }

  #believe(): Promise<SettingValues> {
    const at = this.#options.now();
    if (this.#belief && Math.abs(at - this.#belief.at) < believedMs) return this.#belief.values;
    const belief = { at, values: this.#read(this.#options.database) };
    this.#belief = belief;
    belief.values.catch(() => {
      if (this.#belief === belief) this.#belief = undefined;
    });
    return belief.values;
  }

  #read(records: Pick<Records, 'instance'>): Promise<SettingValues> {
    return readSettings(records, this.#options.configured);
  }
}

/** What holds now. */
export async function readSettings(
  { instance }: Pick<Records, 'instance'>,
  configured: ConfiguredSettings,
): Promise<SettingValues> {
  const texts = await instance.list(Object.values(keys));
  const level = texts.get(keys.defaultAccessLevel);
  const minutes = texts.get(keys.tokenMinutes);
  return {
    isReadOnly: configured.isReadOnly || texts.has(keys.isReadOnly),
    message: texts.get(keys.message),
    isHostedEnabled: configured.isHostedEnabled && !texts.has(keys.isHostedEnabled),
    isVirtualEnabled: configured.isVirtualEnabled && !texts.has(keys.isVirtualEnabled),
    defaultAccessLevel: registryAccessLevels.find((each) => each === level) ?? configured.defaultAccessLevel,
    tokenMs: minutes === undefined ? configured.tokenMs : Number(minutes) * minuteMs,
  };
}

/** What is recorded of each change; undefined: nothing any more. */
function textsOf(changes: SettingChanges): Record<string, string | undefined> {
  const texts: Record<string, string | undefined> = {};
  for (const [key, value] of Object.entries(detailsOf(changes))) {
    const isUsual = switches.some(({ name, usual }) => keys[name] === key && usual === value);
    if (value !== undefined)
      texts[key] = isUsual || value === null || value === '' ? undefined : String(value);
  }
  return texts;
}

/** The changes by the names that they have outside. */
function detailsOf(changes: SettingChanges): Record<string, SettingChanges[keyof SettingChanges]> {
  return {
    [keys.isReadOnly]: changes.isReadOnly,
    [keys.message]: changes.message,
    [keys.isHostedEnabled]: changes.isHostedEnabled,
    [keys.isVirtualEnabled]: changes.isVirtualEnabled,
    [keys.defaultAccessLevel]: changes.defaultAccessLevel,
    [keys.tokenMinutes]: changes.tokenMinutes,
  };
}
