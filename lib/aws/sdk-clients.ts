import { LRUCache } from 'lru-cache'
import { optionError, quoted, targetError } from '../errors.js'
import { type AwsClientConfig, isAwsClient, type RedshiftOptions } from '../options.js'
import type { CallDescription } from './call-description.js'
import { destroyClient, type SdkClient } from './destroy.js'
import { loadDiagnosis } from './load-sdk.js'

/** An AWS service and its SDK package, which is loaded on first use. */
export interface Service<Sdk> {
  readonly serviceId: 'Redshift' | 'Redshift Serverless'
  readonly load: () => Promise<Sdk>
  readonly create: (sdk: Sdk, config: AwsClientConfig) => SdkClient
}

/** A client, and the SDK package with its commands. */
export interface Loaded<Sdk> {
  readonly sdk: Sdk
  readonly client: SdkClient
}

/** One login may need both services: one for itself, one for the look-up of the address. */
const SERVICES = 2

/** Keeps a value from inspection. lru-cache publishes what it holds on a diagnostics channel, and a client contains AWS keys. */
class Hidden<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** A method rather than a getter, which `inspect` may call. */
  reveal(): T {
    return this.#value
  }
}

/**
 * The AWS SDK's clients: one per service and region, created on first use. `close` destroys those that are kept. A client from the user
 * is used as it is.
 */
export class SdkClients {
  readonly #aws: RedshiftOptions['aws']
  // Hosts and their regions may come from end users, so the number of clients is limited. A dropped client is not destroyed, because
  // requests may still use it. Its idle sockets keep no process alive.
  readonly #loaded: LRUCache<string, Hidden<Promise<Loaded<unknown>>>>
  #closed = false

  constructor(aws: RedshiftOptions['aws'], maxEntries: number) {
    this.#aws = aws
    this.#loaded = new LRUCache({ max: Math.max(SERVICES, maxEntries) })
  }

  /** @param call the call that needs the client, for messages */
  get<Sdk>(service: Service<Sdk>, region: string | undefined, call: CallDescription): Promise<Loaded<Sdk>> {
    const key = keyOf(service.serviceId, region)
    const known = this.#loaded.get(key)?.reveal() as Promise<Loaded<Sdk>> | undefined
    if (known) return known
    const loaded = this.#load(service, region, call)
    this.#loaded.set(key, new Hidden(loaded))
    // A failed load is not cached.
    loaded.catch(() => this.forget(service.serviceId, region, loaded))
    return loaded
  }

  /** Makes the next `get` create another client, unless it has already done so. The old one is not destroyed: requests may still use it. */
  forget(serviceId: string, region: string | undefined, loaded: Promise<unknown>): void {
    const key = keyOf(serviceId, region)
    if (this.#loaded.peek(key)?.reveal() === loaded) this.#loaded.delete(key)
  }

  /** Destroys the clients that are kept. */
  close(): void {
    this.#closed = true
    const all = [...this.#loaded.values()]
    this.#loaded.clear()
    for (const hidden of all)
      hidden.reveal().then(
        ({ client }) => destroyClient(client, this.#aws),
        () => {},
      )
  }

  async #load<Sdk>(service: Service<Sdk>, region: string | undefined, call: CallDescription): Promise<Loaded<Sdk>> {
    const aws = this.#aws
    const sdk = await service.load().catch(async error => {
      const diagnosis = await loadDiagnosis().catch(() => undefined)
      throw diagnosis?.sdkLoadError(service.serviceId, error) ?? error
    })
    if (!isAwsClient(aws)) {
      await checkRegion(aws, region)
      const client = service.create(sdk, region === undefined ? { ...aws } : { ...aws, region })
      if (this.#closed) destroyClient(client, aws)
      return { sdk, client }
    }
    await checkReadyClient(aws, service.serviceId, region, call)
    return { sdk, client: aws }
  }
}

const keyOf = (serviceId: string, region = ''): string => `${serviceId} ${region}`

/** Checks a region that is a function, like one that is a string. Throws `ERR_REDSHIFT_TARGET`. */
async function checkRegion(config: AwsClientConfig | undefined, region: string | undefined): Promise<void> {
  if (region === undefined || typeof config?.region !== 'function') return
  const own: unknown = await config.region()
  if (typeof own === 'string' && own !== region)
    throw targetError(
      `The function in aws.region returns ${quoted(own)}, but the target is in ${quoted(region)}. Correct one of them, or leave aws.region out.`,
    )
}

/** Checks that a client from the user is for the service and region of the login. Throws `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`. */
async function checkReadyClient(
  client: SdkClient,
  serviceId: string,
  region: string | undefined,
  { isLookUp }: CallDescription,
): Promise<void> {
  const actual = client.config?.serviceId
  if (typeof actual === 'string' && actual !== serviceId) {
    if (isLookUp)
      throw optionError(
        `aws is a client of ${quoted(actual)}, but the address is looked up with ${quoted(serviceId)}. Set host, or pass a client configuration, which works for both services.`,
      )
    throw optionError(
      `aws is a client of ${quoted(actual)}, but this login comes from ${quoted(serviceId)}. Pass a client of that service, or a client configuration, which works for both services.`,
    )
  }
  const provider = client.config?.region
  const own: unknown = typeof provider === 'function' ? await provider() : provider
  if (region !== undefined && typeof own === 'string' && own !== region)
    throw targetError(
      `The client in aws is for the region ${quoted(own)}, but the target is in ${quoted(region)}. Pass a client of that region, or a client configuration, which works for every region.`,
    )
}
