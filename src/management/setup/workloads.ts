/** What names images in full: manifests of Kubernetes, and jobs of CI. */
import { stringify } from 'yaml';
import { lines } from './engines.ts';
import { imagesByPath, type SetupPlace } from './setup-place.ts';

export function kubernetes({ server, repository, isOpen }: SetupPlace): string {
  const secret = `kubectl create secret docker-registry entrepot --docker-server=${server.name}`;
  return lines(
    '# Kubernetes, in a shell, for each namespace',
    !isOpen && `${secret} --docker-username="$REGISTRY_USER" --docker-password="$REGISTRY_TOKEN"`,
    !isOpen && `kubectl patch serviceaccount default --patch '{"imagePullSecrets": [{"name": "entrepot"}]}'`,
    `kubectl run entrepot-try --rm --attach --restart=Never --image=${repository}/library/alpine -- true`,
  );
}

/** Kyverno says of each container what its image is called in full: `docker.io/alpine:latest`. */
export function kyverno(place: SetupPlace): string {
  const { repository, registryId, isOpen } = place;
  const rules = imagesByPath(place).flatMap(({ host, path, below }) =>
    ['containers', 'initContainers'].map((list) => {
      const image = `images.${list}."{{ element.name }}"`;
      const begin = `^${`${host}${path}`.replaceAll('.', '[.]')}/`;
      return {
        name: `${list}-of-${`${host}${path}`.replace(/[^a-z0-9]+/g, '-')}`.toLowerCase(),
        match: { any: [{ resources: { kinds: ['Pod'], operations: ['CREATE', 'UPDATE'] } }] },
        mutate: {
          foreach: [
            {
              list: `request.object.spec.${list}[]`,
              preconditions: { all: [{ key: `{{ ${image}.registry }}`, operator: 'Equals', value: host }] },
              patchStrategicMerge: {
                spec: {
                  [list]: [
                    {
                      name: '{{ element.name }}',
                      image: `{{ regex_replace_all_literal('${begin}', ${image}.reference, '${repository}${below}/') }}`,
                    },
                  ],
                },
              },
            },
          ],
        },
      };
    }),
  );
  const policy = {
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name: `entrepot-${registryId}` },
    spec: { rules },
  };
  return lines(
    '# kubectl apply -f',
    !isOpen && '# Namespaces need the pull secret that the client kubernetes makes',
    stringify(policy, { lineWidth: 0 }).trimEnd(),
  );
}

export function gitlabCi({ server, repository, isOpen }: SetupPlace): string {
  return lines(
    '# .gitlab-ci.yml',
    !isOpen && '# with the CI/CD variable DOCKER_AUTH_CONFIG, where AUTH is the base64 of USERNAME:TOKEN:',
    !isOpen && `#   {"auths": {"${server.name}": {"auth": "AUTH"}}}`,
    stringify({ default: { image: `${repository}/library/alpine` } }).trimEnd(),
  );
}

export function githubActions({ repository, isOpen }: SetupPlace): string {
  const secret = (name: string) => `\${{ secrets.${name} }}`;
  const credentials = { username: secret('REGISTRY_USER'), password: secret('REGISTRY_TOKEN') };
  const container = { image: `${repository}/library/alpine`, ...(!isOpen && { credentials }) };
  const steps = [{ run: 'cat /etc/os-release' }];
  return lines(
    '# .github/workflows/entrepot.yml',
    !isOpen && '# with the secrets REGISTRY_USER and REGISTRY_TOKEN',
    stringify(
      { name: 'entrepot', on: 'push', jobs: { try: { 'runs-on': 'ubuntu-latest', container, steps } } },
      { lineWidth: 0 },
    ).trimEnd(),
  );
}
