/** A configuration of nginx around servers of it, that a test starts as any user and in a folder of its own. */
export function nginxAround(folder: string, servers: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder};`,
  );
  const before = `daemon off; pid ${folder}/pid; error_log stderr; events {}`;
  return `${before} http { access_log off; ${folders.join(' ')}\n${servers}\n}`;
}
