import type { Clock, Instant } from '../clock.js'
import type { RedshiftCredentialsError } from '../errors.js'
import type { FetchContext } from '../fetch-context.js'
import { isAwsClient, type RedshiftOptions } from '../options.js'
import { observe, retryAfterOf, serverTimeOf } from './attempts.js'
import type { CallDescription } from './call-description.js'
import { hasOwnProvider } from './credentials/own-provider.js'
import { isProfileMissing, readProfiles, rereadProfiles } from './credentials/profiles.js'
import type { SdkClient } from './destroy.js'
import type { Source } from './diagnosis.js'
import { loadDiagnosis } from './load-sdk.js'
import { SdkClients, type Service } from './sdk-clients.js'
import { unexplainedError } from './unexplained.js'

/** A response of AWS, with its times. */
export interface AwsResponse<Output> {
  readonly output: Output
  /** The server's clock in the response, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When the successful attempt was sent. */
  readonly sentAt: Instant
}

/** A call, and its progress. */
interface Call {
  readonly description: CallDescription
  readonly context: FetchContext
  /**
   * While `preparing`, the SDK determines region, endpoint, retries and AWS credentials. An error is then not a response of AWS to the
   * call.
   */
  phase: 'creating a client' | 'preparing' | 'calling'
}

/** Sends commands to AWS with the SDK's clients. */
export class AwsClients {
  readonly #aws: RedshiftOptions['aws']
  readonly #clock: Clock
  readonly #clients: SdkClients
  /** Clients whose AWS credentials were missing or rejected. The next call loads them again, because the files may have changed. */
  readonly #doubted = new WeakSet<SdkClient>()

  constructor(aws: RedshiftOptions['aws'], clock: Clock, maxEntries: number) {
    this.#aws = aws
    this.#clock = clock
    this.#clients = new SdkClients(aws, maxEntries)
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
    description: CallDescription,
    createCommand: (sdk: Sdk) => object,
    context: FetchContext,
  ): Promise<AwsResponse<Output>> {
    const { signal } = context
    const call: Call = { description, context, phase: 'creating a client' }
    const loaded = this.#clients.get(service, region, description)
    // The SDK calls a hanging provider of AWS credentials only once per client, so use a new client for the next call.
    const abandon = (): void => {
      if (call.phase !== 'calling') this.#clients.forget(service.serviceId, region, loaded)
    }
    signal.addEventListener('abort', abandon, { once: true })
    let used: SdkClient | undefined
    try {
      const { sdk, client } = await loaded
      used = client
      if (this.#doubted.delete(client)) {
        await rereadProfiles()
        await this.#beginPreparing(call)
        await refreshCredentials(client)
      }
      try {
        return await this.#attempt(client, createCommand(sdk), call)
      } catch (error) {
        if (signal.aborted || !(await this.#isWorthRetrying(error, client, call))) throw error
      }
      return await this.#attempt(client, createCommand(sdk), call)
    } catch (error) {
      const failure = await this.#translate(error, call)
      if (used && failure.code === 'ERR_REDSHIFT_AWS_CREDENTIALS') this.#doubted.add(used)
      throw failure
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  /** Destroys the clients that this object keeps. */
  close(): void {
    this.#clients.close()
  }

  async #attempt<Output>(client: SdkClient, command: object, call: Call): Promise<AwsResponse<Output>> {
    const { context } = call
    let sentAt = this.#clock.now()
    let serverTime: number | undefined
    observe(command, {
      beginning: () => this.#beginPreparing(call),
      sending: () => {
        call.phase = 'calling'
        sentAt = this.#clock.now()
        // If the deadline passes during this attempt, report a timeout rather than the previous failure.
        context.setDeadlineError(undefined)
        context.retryAfter = undefined
      },
      received: headers => {
        serverTime = serverTimeOf(headers)
        context.retryAfter = retryAfterOf(headers, serverTime ?? this.#clock.now().wall)
      },
      failed: error => context.setDeadlineError(() => this.#translate(error, { ...call, phase: 'calling' })),
    })
    // The user's client may be a mock that returns undefined.
    const output = ((await client.send(command, { abortSignal: context.signal })) ?? {}) as Output
    return { output, serverTime: serverTime ?? this.#clock.now().wall, sentAt }
  }

  /** Called before the SDK prepares a call. Rejects if the profile does not exist: the SDK would use the credentials of another identity. */
  async #beginPreparing(call: Call): Promise<void> {
    call.phase = 'preparing'
    call.context.setDeadlineError(() => this.#explainStall(call))
    const aws = this.#aws
    if (isAwsClient(aws) || hasOwnProvider(aws)) return
    if (await isProfileMissing(aws?.profile || process.env.AWS_PROFILE)) throw new MissingProfile()
  }

  /** Whether a second attempt may succeed, with refreshed AWS credentials or with the time that the SDK has learned from the response. */
  async #isWorthRetrying(error: unknown, client: SdkClient, call: Call): Promise<boolean> {
    const diagnosis = await loadDiagnosis().catch(() => undefined)
    if (!diagnosis) return false
    // The SDK itself retries only if this host's clock is wrong now, not if it was wrong and has been corrected.
    if (diagnosis.isClockError(error)) return true
    if (!diagnosis.isExpiredToken(error)) return false
    call.phase = 'preparing'
    await rereadProfiles()
    const isRefreshed = await refreshCredentials(client)
    if (!isRefreshed) call.phase = 'calling'
    return isRefreshed
  }

  async #translate(error: unknown, { phase, description }: Call): Promise<RedshiftCredentialsError> {
    try {
      const { missingProfileError, toPreparationError, toRedshiftError } = await loadDiagnosis()
      const sources = await this.#sources()
      if (error instanceof MissingProfile) return missingProfileError(sources)
      return (phase === 'preparing' ? toPreparationError : toRedshiftError)(error, description, sources)
    } catch (obstacle) {
      return unexplainedError(error, description.action, obstacle)
    }
  }

  async #explainStall({ description }: Call): Promise<RedshiftCredentialsError | undefined> {
    const { stalledError } = await loadDiagnosis()
    return stalledError(await this.#sources(), description.region)
  }

  /** Where the AWS credentials come from. Nothing is known about a provider or a client from the user. */
  async #sources(): Promise<readonly Source[]> {
    const aws = this.#aws
    if (isAwsClient(aws) || hasOwnProvider(aws)) return [{ kind: 'own' }]
    const { sourcesOf } = await loadDiagnosis()
    return sourcesOf(aws?.profile, process.env, await readProfiles())
  }
}

/** The configured profile does not exist. */
class MissingProfile extends Error {
  override readonly name = 'MissingProfile'
}

/** Makes the SDK load its AWS credentials again. @returns false if the client does not support that */
async function refreshCredentials({ config }: SdkClient): Promise<boolean> {
  if (typeof config?.credentials !== 'function') return false
  await config.credentials({ forceRefresh: true })
  return true
}
