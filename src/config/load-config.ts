/** default.yaml ⊕ variables that all programs know ⊕ the operator's file ⊕ our own variables, as the schema has it. */
import { join } from 'node:path';
import { Document } from 'yaml';
import { readCommonVariables } from './common-variables.ts';
import { type Config, configSchema } from './config.ts';
import { readRegularFile } from './regular-file.ts';
import { secretVariables } from './secret-variables.ts';
import { keyOf, writtenNameOf } from './setting-names.ts';
import {
  ConfigError,
  type Environment,
  Faults,
  findNearest,
  readVariable,
  readYaml,
  type Setting,
  variableNames,
  variableOf,
} from './settings.ts';
import { reasonOf } from './system-reasons.ts';

export interface ConfigSources {
  /** The text of config/default.yaml. */
  readonly defaults: string;
  /** What the operator gave by --config. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly environment: Environment;
  /** Reads what a `…_FILE` variable names; throws where it cannot. */
  readonly readFile: (path: string) => string;
}

/** @param file what --config names. @throws ConfigError with every fault there is */
export function readConfig(file: string | undefined, environment: Environment): Config {
  return loadConfig({
    defaults: readRegularFile(join(import.meta.dirname, '../../config/default.yaml')),
    file: file === undefined ? undefined : { name: file, text: readConfigFile(file) },
    environment,
    readFile: readRegularFile,
  });
}

function readConfigFile(name: string): string {
  try {
    return readRegularFile(name);
  } catch (error) {
    throw new ConfigError([{ origin: name, path: '', message: `cannot be read: ${reasonOf(error)}` }]);
  }
}

/** @throws ConfigError with every fault there is */
export function loadConfig({ defaults, file, environment, readFile }: ConfigSources): Config {
  const faults = new Faults();
  const settings = new Map(readYaml('default.yaml', defaults).map((setting) => [setting.path, setting]));
  const pathOf = new Map([...settings.keys()].map((path) => [variableOf(path), path]));

  for (const setting of readCommonVariables(environment)) settings.set(setting.path, setting);
  for (const setting of (file && faults.collect(() => readYaml(file.name, file.text))) ?? []) {
    const { path, origin } = setting;
    if (settings.has(path)) settings.set(path, setting);
    else faults.add(origin, path, unknownMessage(path, [...settings.keys()]));
  }

  const known = [...pathOf.keys(), ...secretVariables];
  for (const name of variableNames(environment, new Set(known))) {
    const path = pathOf.get(name);
    const value = path && faults.collect(() => readVariable(environment, name, readFile));
    if (path !== undefined && value !== undefined) settings.set(path, { path, value, origin: name });
    if (!known.includes(name)) faults.add(name, '', unknownMessage(name, known));
  }

  const merged = new Document({});
  for (const { path, value } of settings.values()) merged.setIn(path.split('.').map(keyOf), value);
  const result = configSchema.safeParse(merged.toJS());
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path.flatMap((key) => (typeof key === 'string' ? writtenNameOf(key) : [])).join('.');
    faults.add(originOf(path, settings), path, issue.message);
  }
  if (!result.success || faults.any) throw faults.toError();
  return result.data;
}

function unknownMessage(name: string, known: readonly string[]): string {
  const below = known.find((path) => path.startsWith(`${name}.`));
  if (below !== undefined) return `expected settings below it, such as ${below}`;
  const nearest = findNearest(name, known);
  return nearest === undefined ? 'no such setting' : `no such setting; did you mean ${nearest}?`;
}

/** Where a setting is written that this is, or is a part of; for a section, what was changed of it. */
function originOf(path: string, settings: ReadonlyMap<string, Setting>): string {
  const inside = [...settings.values()].filter(
    (setting) => `${setting.path}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${setting.path}.`),
  );
  const changed = inside.find((setting) => !setting.origin.startsWith('default.yaml'));
  return (changed ?? inside[0])?.origin ?? 'default.yaml';
}
