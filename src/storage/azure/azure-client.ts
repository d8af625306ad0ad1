/** How the account is reached, and who we are there: an account key, a shared access signature, or an identity of Entra. */
import type { BlobServiceClient, ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';

export interface AzureSettings {
  readonly accountName: string;
  readonly container: string;
  /** Undefined: that of the account in the public cloud. */
  readonly serviceUrl: string | undefined;
  /** In front of all keys; empty: none. */
  readonly rootDirectory: string;
  readonly accountKey: string | undefined;
  /** A query without its question mark; undefined like the key: workload identity, managed identity, or what the environment says. */
  readonly sasToken: string | undefined;
}

/** Of one try: a part of the biggest object over a slow line. */
const tryMs = 300_000;
const pipeline: StoragePipelineOptions = {
  retryOptions: { maxTries: 4, tryTimeoutInMs: tryMs, retryDelayInMs: 500, maxRetryDelayInMs: 8000 },
};

export interface AzureClient {
  readonly service: BlobServiceClient;
  readonly container: ContainerClient;
}

/** Loads the packages of the cloud. @throws Error where they are not installed */
export async function openAzureClient(settings: AzureSettings): Promise<AzureClient> {
  const service = await openService(settings);
  return { service, container: service.getContainerClient(settings.container) };
}

async function openService({
  accountName,
  accountKey,
  sasToken,
  serviceUrl,
}: AzureSettings): Promise<BlobServiceClient> {
  const { BlobServiceClient: Service, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const url = serviceUrl ?? `https://${accountName}.blob.core.windows.net`;
  if (accountKey !== undefined)
    return new Service(url, new StorageSharedKeyCredential(accountName, accountKey), pipeline);
  if (sasToken !== undefined)
    return new Service(`${url}?${sasToken.replace(/^\?/, '')}`, undefined, pipeline);
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new Service(url, new DefaultAzureCredential(), pipeline);
}
