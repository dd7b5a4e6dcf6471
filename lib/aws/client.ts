import { optionError, quoted, RedshiftCredentialsError, targetError } from '../errors.js'
import type { Clock } from '../flight.js'
import type { Instant } from '../lease.js'
import type { FetchNotes } from '../login.js'
import { type AwsClientConfig, isAwsClient, type RedshiftOptions } from '../options.js'
import { observe, retryAfterOf, serverTimeOf } from './attempts.js'
import type { FailedCall } from './call.js'
import { missingProfileError, stalledError } from './credentials/errors.js'
import { readProfiles, rereadProfiles } from './credentials/profiles.js'
import { isProfileMissing, type Source, sourcesOf } from './credentials/sources.js'
import { destroyClient, type SdkClient } from './destroy.js'
import { isClockError, isExpiredToken, toLoadingError, toRedshiftError } from './failures.js'
import { asError, copyCause } from './scrub.js'

/** How far a call has come. What fails while AWS credentials are being loaded is their failure, not the call's. */
type Phase = 'preparing' | 'loading' | 'calling'

/** An AWS service, as its SDK package knows it. Loaded on first use only. */
export interface Service<Sdk> {
  readonly serviceId: 'Redshift' | 'Redshift Serverless'
  readonly load: () => Promise<Sdk>
  readonly create: (sdk: Sdk, config: AwsClientConfig) => SdkClient
}

/** AWS's answer, and when it was given. */
export interface Answer<Output> {
  readonly output: Output
  /** The server's clock in this very answer, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When the attempt that was answered was sent. */
  readonly sentAt: Instant
}

interface Loaded<Sdk> {
  readonly sdk: Sdk
  readonly client: SdkClient
}

/** The SDK's clients: made on first use, one per service and region, `maxEntries` at most, and destroyed by `close`. A ready one is used as it is. */
export class AwsClients {
  readonly #aws: RedshiftOptions['aws']
  readonly #clock: Clock
  // The last used is the last. Not an lru-cache, which would publish the clients, and with them AWS keys, on its diagnostics channel.
  readonly #loaded = new Map<string, Promise<Loaded<unknown>>>()
  readonly #maxEntries: number
  /** AWS did not accept their credentials, or there were none: the next call loads them again, from files that may have changed. */
  readonly #doubted = new WeakSet<SdkClient>()
  #closed = false

  constructor(aws: RedshiftOptions['aws'], clock: Clock, maxEntries: number) {
    this.#aws = aws
    this.#clock = clock
    this.#maxEntries = maxEntries
  }

  /**
   * Sends one command, with the SDK's own retries. Notes each attempt's failure and Retry-After as they come.
   * When AWS says that the session's token has expired, the SDK's credentials are made to refresh, and it is sent once more. It is
   * also sent once more where the SDK has signed for another time than AWS's. After any other failure of the credentials, the next
   * call loads them again.
   * @throws RedshiftCredentialsError
   */
  async send<Sdk, Output>(
    service: Service<Sdk>,
    region: string | undefined,
    call: FailedCall,
    createCommand: (sdk: Sdk) => object,
    signal: AbortSignal,
    notes: FetchNotes,
  ): Promise<Answer<Output>> {
    const key = `${service.serviceId} ${region ?? ''}`
    const loaded = this.#client(service, region, key)
    let phase: Phase = 'preparing'
    let sources: readonly Source[] | undefined
    const load = async (): Promise<void> => {
      phase = 'loading'
      sources = await this.#sources()
      if (isProfileMissing(sources) && !this.#hasOwnChain()) throw missingProfileError(sources)
      // What a deadline that fires meanwhile is reported as.
      if (phase === 'loading' && !signal.aborted) notes.failure = stalledError(sources, region)
    }
    // A provider of AWS credentials that hangs is asked by the SDK only once: a new client asks again. This one is not destroyed,
    // since others may have a request under way on it.
    const abandon = (): void => {
      if (phase !== 'calling') this.#forget(key, loaded)
    }
    signal.addEventListener('abort', abandon, { once: true })
    let client: SdkClient | undefined
    try {
      const { sdk, client: ready } = await loaded
      client = ready
      if (this.#doubted.delete(client)) {
        await rereadProfiles()
        await load()
        await refreshCredentials(client)
      }
      for (let isSecond = false; ; isSecond = true) {
        const command = createCommand(sdk)
        let sentAt = this.#clock.now()
        let serverTime: number | undefined
        const watched = observe(command, {
          beginning: load,
          sending: () => {
            phase = 'calling'
            sentAt = this.#clock.now()
            // A deadline that falls into this attempt is a time-out, whatever became of the one before.
            notes.failure = undefined
            notes.retryAfter = undefined
          },
          answered: headers => {
            serverTime = serverTimeOf(headers)
            notes.retryAfter = retryAfterOf(headers, serverTime ?? Date.now())
          },
          failed: error => {
            notes.failure = toRedshiftError(error, call, sources)
          },
        })
        try {
          // A ready client may be somebody's stand-in, which answers with nothing.
          const output = ((await client.send(command, { abortSignal: signal })) ?? {}) as Output
          return { output, serverTime: (watched ? serverTime : undefined) ?? Date.now(), sentAt }
        } catch (error) {
          if (isSecond || signal.aborted) throw error
          // The SDK has just learnt AWS's time, but tries again by itself only where this host's clock is off: not where it was off
          // and has been set right.
          if (isClockError(error)) continue
          if (!isExpiredToken(error)) throw error
          phase = 'loading'
          await rereadProfiles()
          if (!(await refreshCredentials(client))) {
            phase = 'calling'
            throw error
          }
        }
      }
    } catch (error) {
      const translate = phase === 'loading' ? toLoadingError : toRedshiftError
      const failure = translate(error, call, sources ?? (await this.#sources()))
      if (client && failure.code === 'ERR_REDSHIFT_AWS_CREDENTIALS') this.#doubted.add(client)
      throw failure
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  /** Where the AWS credentials come from. Of a provider or a client that is not ours, nothing is known. */
  async #sources(): Promise<readonly Source[]> {
    const aws = this.#aws
    if (isAwsClient(aws) || aws?.credentials !== undefined) return [{ kind: 'own' }]
    return sourcesOf(aws?.profile, process.env, await readProfiles())
  }

  /** Whether the profile does not matter, because the program brings a default provider of its own. */
  #hasOwnChain(): boolean {
    return 'credentialDefaultProvider' in Object(this.#aws)
  }

  /** Destroys the clients that were made here. */
  close(): void {
    this.#closed = true
    const all = [...this.#loaded.values()]
    this.#loaded.clear()
    for (const loaded of all)
      loaded.then(
        ({ client }) => destroyClient(client, this.#aws),
        () => {},
      )
  }

  #client<Sdk>(service: Service<Sdk>, region: string | undefined, key: string): Promise<Loaded<Sdk>> {
    const known = this.#loaded.get(key) as Promise<Loaded<Sdk>> | undefined
    this.#loaded.delete(key)
    const loaded = known ?? this.#load(service, region)
    this.#loaded.set(key, loaded)
    if (known) return known
    // Hosts, and with them regions, may come from users. What is under way on the client that is let go is not disturbed.
    const [oldest] = this.#loaded.keys()
    if (oldest !== undefined && this.#loaded.size > this.#maxEntries) this.#loaded.delete(oldest)
    // A failed load is not kept.
    loaded.catch(() => this.#forget(key, loaded))
    return loaded
  }

  async #load<Sdk>(service: Service<Sdk>, region: string | undefined): Promise<Loaded<Sdk>> {
    const aws = this.#aws
    const sdk = await service.load().catch(error => {
      throw sdkMissing(service, error)
    })
    if (!isAwsClient(aws)) {
      const client = service.create(sdk, region === undefined ? { ...aws } : { ...aws, region })
      if (this.#closed) destroyClient(client, this.#aws)
      return { sdk, client }
    }
    await checkReadyClient(aws, service.serviceId, region)
    return { sdk, client: aws }
  }

  #forget(key: string, loaded: Promise<unknown>): void {
    if (this.#loaded.get(key) === loaded) this.#loaded.delete(key)
  }
}

function sdkMissing({ serviceId }: { serviceId: string }, error: unknown): RedshiftCredentialsError {
  const name = `@aws-sdk/client-${serviceId.toLowerCase().replace(' ', '-')}`
  return new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNAVAILABLE',
    `The AWS SDK could not be loaded: the program has no ${name}. Install that package where the program runs, or let the bundler include it.`,
    { cause: copyCause(asError(error)) },
  )
}

/** A ready client must be for the service and the region that the login is for. */
async function checkReadyClient(client: SdkClient, serviceId: string, region: string | undefined): Promise<void> {
  const actual = client.config?.serviceId
  if (typeof actual === 'string' && actual !== serviceId)
    throw optionError(
      `aws is a client of ${quoted(actual)}, but this login comes from ${quoted(serviceId)}. Give the client of that service, or a configuration, which serves both.`,
    )
  const provider = client.config?.region
  const own: unknown = typeof provider === 'function' ? await provider() : provider
  if (region !== undefined && typeof own === 'string' && own !== region)
    throw targetError(
      `The client in aws is for the region ${quoted(own)}, but the target is in ${quoted(region)}. Give a client of that region, or a configuration, which serves all.`,
    )
}

/** Makes the SDK load its AWS credentials again. False: this client cannot. */
async function refreshCredentials({ config }: SdkClient): Promise<boolean> {
  if (typeof config?.credentials !== 'function') return false
  await config.credentials({ forceRefresh: true })
  return true
}
