/** What looks at manifests, and the bucket that they name: made once where the machine has what makes them, by Go or PyPI. */
import { byGo, findMade, make, type Recipe } from '../../support/made-programs.ts';
import { recipes } from '../../support/storage-servers/programs.ts';

const helm: Recipe = byGo('helm.sh/helm/v3/cmd/helm', 'v3.22.0');

const validateVersion = '1.37.0';
const validate: Recipe = {
  name: 'kubernetes-validate',
  version: `target-${validateVersion}`,
  file: 'bin/kubernetes-validate',
  command: (folder) => [
    ...['bash', '-c'],
    'python3 -m venv "$0/venv" && "$0/venv/bin/pip" install -q --target "$0" "$1" && rm -r "$0/venv"',
    ...[folder, `kubernetes-validate==${validateVersion}`],
  ],
};

const makeMs = 800_000;

/** Its path, or why it is not to be had. */
async function made(recipe: Recipe): Promise<{ readonly path: string } | { readonly missing: string }> {
  try {
    await make(recipe, AbortSignal.timeout(makeMs));
  } catch (error) {
    return { missing: `${recipe.name}: ${error instanceof Error ? error.message : error}` };
  }
  const path = findMade(recipe);
  return path === undefined ? { missing: recipe.name } : { path };
}

export const findHelm = () => made(helm);
export const findValidator = () => made(validate);
export const findBucketServer = () => made(recipes.versitygw);
