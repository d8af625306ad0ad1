/** Processes that share a store, and die. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { FilesystemBlobStore } from '../../src/storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../../src/storage/filesystem-upload-store.ts';
import { spoolsBelow } from '../support/spools-below.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const bytes = Buffer.from('the bytes of an upload');
const half = bytes.subarray(0, 9);

test('a sweep removes the spools of a process that was killed and leaves those of one that lives', async () => {
  const root = await temporaryDirectory();
  const [killed, living] = await Promise.all([holdSpools(root, 3), holdSpools(root, 2)]);
  const store = new FilesystemBlobStore(root);
  onTestFinished(() => store.close());
  const own = await store.createSpool();
  onTestFinished(() => own.close());
  await own.append(bytes);
  expect(await spoolsBelow(root)).toHaveLength(6);
  expect(await store.sweepSpools()).toBe(0);

  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await store.sweepSpools()).toBe(3);
  expect(await spoolsBelow(root)).toHaveLength(3);
  await own.commit(digestOf(bytes));

  living.kill('SIGKILL');
  await once(living, 'exit');
  expect(await store.sweepSpools()).toBe(2);
  expect(await spoolsBelow(root)).toEqual([]);
});

test('an upload whose process was killed goes on', async () => {
  const root = await temporaryDirectory();
  const store = new FilesystemUploadStore(root);
  const owner = await beginUpload(root);
  expect(await store.uploadLength('id')).toBe(half.length);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  expect(await store.listUploads()).toEqual(['id']);
  const spool = await store.openUpload('id');
  expect(spool.length).toBe(half.length);
  await spool.append(bytes.subarray(half.length));
  const key = await spool.commit(digestOf(bytes));
  await spool.close();
  expect(await readFile(join(root, key))).toEqual(bytes);
});

test('a process that goes on writing after a takeover changes nothing, and is told when it closes', async () => {
  const root = await temporaryDirectory();
  const store = new FilesystemUploadStore(root);
  const owner = await beginUpload(root);
  const spool = await store.openUpload('id');
  await spool.append(bytes.subarray(half.length));
  const key = await spool.commit(digestOf(bytes));
  await spool.close();
  owner.stdin?.write('append');
  expect(await said(owner)).toBe('appended');
  owner.stdin?.write('close');
  expect(await said(owner)).toBe('TakenOverError');
  expect(await readFile(join(root, key))).toEqual(bytes);
  expect(await store.listUploads()).toEqual([]);
});

/** Another process that holds some spools open until it is killed. */
async function holdSpools(root: string, spools: number): Promise<ChildProcess> {
  const source = resolve(import.meta.dirname, '../../src/storage/filesystem-blob-store.ts');
  const script = `
    import { FilesystemBlobStore } from ${JSON.stringify(source)};
    const store = new FilesystemBlobStore(${JSON.stringify(root)});
    const held = [];
    for (let count = 0; count < ${spools}; count += 1) {
      const spool = await store.createSpool();
      await spool.append(Buffer.from('partial'));
      held.push(spool);
    }
    process.stdout.write('ready');
    setInterval(() => held.length, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  return child;
}

/** Another process that has appended the first half of the bytes to an upload and has it open. */
async function beginUpload(root: string): Promise<ChildProcess> {
  const source = resolve(import.meta.dirname, '../../src/storage/filesystem-upload-store.ts');
  const script = `
    import { FilesystemUploadStore } from ${JSON.stringify(source)};
    const spool = await new FilesystemUploadStore(${JSON.stringify(root)}).openUpload('id');
    await spool.append(Buffer.from(${JSON.stringify(half.toString())}));
    process.stdin.on('data', async (word) => {
      if (String(word) === 'append') {
        await spool.append(Buffer.from('nobody reads this'));
        process.stdout.write('appended');
      } else {
        await spool.close().catch((error) => process.stdout.write(error.name));
      }
    });
    process.stdout.write('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  expect(await said(child)).toBe('ready');
  return child;
}

async function said(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('nothing can be heard of it');
  const [data]: unknown[] = await once(child.stdout, 'data');
  return String(data);
}
