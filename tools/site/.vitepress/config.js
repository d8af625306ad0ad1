/** The documents as a site: `npm run build:site` puts it in `.site`. A link to a page or a heading that is not there ends it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';

const page = (text, link) => ({ text, link });

// biome-ignore lint/style/noDefaultExport: VitePress asks for it
export default defineConfig({
  title: 'Entrepot',
  description: 'Container virtual registry and hosted OCI registry in one server',
  srcDir: '../../docs',
  outDir: '../../.site',
  cacheDir: './node_modules/.vitepress',
  cleanUrls: false,
  // Of the examples, which name servers of the reader's.
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    anchor: { slugify },
    config: (md) => md.core.ruler.push('links-outside', withoutLinksOutside),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    sidebar: [
      { text: 'Begin', items: [page('What it is', '/'), page('A first hour', '/first-hour')] },
      {
        text: 'How to …',
        items: [
          page('Pull and push', '/using-it'),
          page('Bring what another registry has', '/importing'),
          page('Replicate', '/replication'),
          page('Use the web page', '/web-page'),
          page('Choose what is let in', '/admission'),
          page('Sign in', '/signing-in'),
          page('Let CI jobs in', '/ci'),
          page('Share tokens with other registries', '/tokens'),
          page('Be told of what happens', '/webhooks'),
          page('Run it', '/operations'),
          page('Run it on Kubernetes', '/kubernetes'),
          page('Put a proxy in front', '/proxies'),
          page('Keep blobs in a bucket', '/storage'),
          page('Find what is wrong', '/troubleshooting'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('Configuration', '/configuration'),
          page('Commands', '/commands'),
          page('API', '/api'),
          page('Words', '/glossary'),
          page('Performance', '/performance'),
          page('Scaling', '/scaling'),
        ],
      },
      {
        text: 'Why it is so',
        items: [
          page('Architecture', '/architecture'),
          { ...page('Decisions', '/decisions/'), collapsed: true, items: decisions() },
        ],
      },
    ],
  },
});

/** Each by its heading. */
function decisions() {
  const folder = join(import.meta.dirname, '../../../docs/decisions');
  return readdirSync(folder)
    .filter((file) => /^\d/.test(file))
    .toSorted()
    .map((file) => {
      const [, heading] = /^# (.*)$/m.exec(readFileSync(join(folder, file), 'utf8'));
      return page(heading.replaceAll('`', ''), `/decisions/${file.replace(/\.md$/, '')}`);
    });
}

/** As where the documents are read beside the sources, so that links to headings are good in both places. */
function slugify(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** Sources and files of the project are no part of the site: what leads to them is only text. */
function withoutLinksOutside({ tokens, env }) {
  const depth = (env.relativePath ?? '').split('/').length;
  const outside = new RegExp(`^(\\.\\./){${depth},}`);
  for (const { children } of tokens) {
    let isOutside = false;
    for (const token of children ?? []) {
      if (token.type === 'link_open') isOutside = outside.test(token.attrGet('href') ?? '');
      if (!isOutside || !token.type.startsWith('link_')) continue;
      token.type = 'text';
      token.content = '';
    }
  }
}
