import type { Clock, Instant } from '../clock.js'
import { optionError, quoted, RedshiftCredentialsError, targetError } from '../errors.js'
import type { FetchContext } from '../fetch.js'
import { type AwsClientConfig, isAwsClient, type RedshiftOptions } from '../options.js'
import { observe, retryAfterOf, serverTimeOf } from './attempts.js'
import type { CallDescription } from './call.js'
import { missingProfileError, stalledError } from './credentials/errors.js'
import { readProfiles, rereadProfiles } from './credentials/profiles.js'
import { isProfileMissing, type Source, sourcesOf } from './credentials/sources.js'
import { destroyClient, type SdkClient } from './destroy.js'
import { isClockError, isExpiredToken, toLoadingError, toRedshiftError } from './failures.js'
import { asError, copyCause } from './scrub.js'

/** The progress of a call. An error in the phase `loading` is a failure of the AWS credentials, not of the call. */
type Phase = 'preparing' | 'loading' | 'calling'

/** An AWS service and its SDK package, which is loaded on first use. */
export interface Service<Sdk> {
  readonly serviceId: 'Redshift' | 'Redshift Serverless'
  readonly load: () => Promise<Sdk>
  readonly create: (sdk: Sdk, config: AwsClientConfig) => SdkClient
}

/** A response of AWS, with its times. */
export interface Answer<Output> {
  readonly output: Output
  /** The server's clock in the response, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When the successful attempt was sent. */
  readonly sentAt: Instant
}

interface Loaded<Sdk> {
  readonly sdk: Sdk
  readonly client: SdkClient
}

/**
 * The AWS SDK's clients: at most `maxEntries`, one per service and region, created on first use and destroyed by `close`. A client from the
 * user is used as it is.
 */
export class AwsClients {
  readonly #aws: RedshiftOptions['aws']
  readonly #clock: Clock
  // Ordered by use, the most recent last. An lru-cache would publish the clients with their AWS keys on its diagnostics channel.
  readonly #loaded = new Map<string, Promise<Loaded<unknown>>>()
  readonly #maxEntries: number
  /** Clients whose AWS credentials were missing or rejected. The next call loads them again, because the files may have changed. */
  readonly #doubted = new WeakSet<SdkClient>()
  #closed = false

  constructor(aws: RedshiftOptions['aws'], clock: Clock, maxEntries: number) {
    this.#aws = aws
    this.#clock = clock
    this.#maxEntries = maxEntries
  }

  /**
   * Sends one command, with the SDK's own retries. Records the failure and Retry-After of each attempt in `context`. If the session token has
   * expired, it refreshes the SDK's credentials and sends the command again, once. It also sends the command again if AWS rejected the time
   * of the signature. After any other failure of the credentials, the next call loads them again.
   * @throws RedshiftCredentialsError
   */
  async send<Sdk, Output>(
    service: Service<Sdk>,
    region: string | undefined,
    call: CallDescription,
    createCommand: (sdk: Sdk) => object,
    context: FetchContext,
  ): Promise<Answer<Output>> {
    const { signal } = context
    const key = `${service.serviceId} ${region ?? ''}`
    const loaded = this.#client(service, region, key)
    let phase: Phase = 'preparing'
    let sources: readonly Source[] | undefined
    const load = async (): Promise<void> => {
      phase = 'loading'
      sources = await this.#sources()
      if (isProfileMissing(sources) && !this.#hasOwnChain()) throw missingProfileError(sources)
      // The error if the deadline passes while credentials are being loaded.
      if (phase === 'loading' && !signal.aborted) context.atDeadline(stalledError(sources, region))
    }
    // The SDK calls a hanging provider of AWS credentials only once per client, so use a new client for the next call. The old one is not
    // destroyed, because other requests may still use it.
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
            // If the deadline passes during this attempt, report a time-out rather than the previous failure.
            context.atDeadline(undefined)
            context.retryAfter = undefined
          },
          answered: headers => {
            serverTime = serverTimeOf(headers)
            context.retryAfter = retryAfterOf(headers, serverTime ?? Date.now())
          },
          failed: error => {
            context.atDeadline(toRedshiftError(error, call, sources))
          },
        })
        try {
          // The user's client may be a mock that returns undefined.
          const output = ((await client.send(command, { abortSignal: signal })) ?? {}) as Output
          return { output, serverTime: (watched ? serverTime : undefined) ?? Date.now(), sentAt }
        } catch (error) {
          if (isSecond || signal.aborted) throw error
          // The SDK has just learned AWS's time. It retries only if this host's clock is wrong now, not if it was wrong and has been
          // corrected.
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

  /** Where the AWS credentials come from. Nothing is known about a provider or a client from the user. */
  async #sources(): Promise<readonly Source[]> {
    const aws = this.#aws
    if (isAwsClient(aws) || aws?.credentials !== undefined) return [{ kind: 'own' }]
    return sourcesOf(aws?.profile, process.env, await readProfiles())
  }

  /** Whether the program supplies its own default provider, so that the profile does not matter. */
  #hasOwnChain(): boolean {
    return 'credentialDefaultProvider' in Object(this.#aws)
  }

  /** Destroys the clients that this object created. */
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
    // Hosts and their regions may come from end users, so the number of clients is limited. Requests on a dropped client continue.
    const [oldest] = this.#loaded.keys()
    if (oldest !== undefined && this.#loaded.size > this.#maxEntries) this.#loaded.delete(oldest)
    // A failed load is not cached.
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

/** Checks that a client from the user is for the service and region of the login. Throws `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`. */
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

/** Makes the SDK load its AWS credentials again. @returns false if the client does not support that */
async function refreshCredentials({ config }: SdkClient): Promise<boolean> {
  if (typeof config?.credentials !== 'function') return false
  await config.credentials({ forceRefresh: true })
  return true
}
