import { LRUCache } from 'lru-cache'
import type { AwsClients } from './aws/client.js'
import { lookUpCluster } from './aws/redshift-calls.js'
import { lookUpWorkgroup } from './aws/serverless-calls.js'
import type { Clock } from './clock.js'
import { closedError, RedshiftCredentialsError, targetError } from './errors.js'
import { FetchContext } from './fetch-context.js'
import { Flight } from './flight.js'
import { type CredentialRequest, targetOf, workgroupOf } from './request.js'

/** The address of a cluster or workgroup. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface EndpointCacheOptions {
  readonly clock: Clock
  /** Looks an address up in AWS. Rejects only with `RedshiftCredentialsError`. */
  readonly lookUp: (request: CredentialRequest, context: FetchContext) => Promise<Address>
  readonly timeoutMillis: number
  readonly maxEntries: number
}

/** A look-up that has ended. */
interface LookUp {
  /** Gives its result to later callers. */
  readonly flight: Flight<Address>
  /** When it ended, on the monotonic clock. */
  readonly endedAt: number
  /** The address that AWS returned, in this or in an earlier look-up. */
  readonly address: Address | undefined
  /** Whether the look-up failed, or a connection to the address failed. */
  isStale: boolean
}

// The minimum pause between two look-ups, because AWS limits their rate for the whole account.
const PAUSE_MILLIS = 1_000
/** How long a connection waits for a new address if there is an old one. */
const RENEWAL_MILLIS = 2_000

/**
 * Caches the addresses that AWS returns, by region and target. The options determine both, unless a program changes `PGHOST` between two
 * connections. An address is looked up once, and again after a failure or `invalidate`, at most once a second. If that fails or takes over
 * two seconds, the old address is used. Each target has one look-up at a time, with the deadline of a fetch.
 */
export class EndpointCache {
  readonly #options: EndpointCacheOptions
  readonly #lookUps: LRUCache<string, LookUp>
  // Kept apart from the results, so that evicting a result neither detaches a look-up nor allows a second one.
  readonly #pending = new Map<string, Flight<Address>>()
  #closed = false

  constructor(options: EndpointCacheOptions) {
    this.#options = options
    this.#lookUps = new LRUCache({ max: options.maxEntries })
  }

  /**
   * Returns the address of a request's cluster or workgroup.
   * @throws RedshiftCredentialsError With `ERR_REDSHIFT_ACCESS_DENIED`, the message names the missing permission and the option `host`,
   * which makes the look-up unnecessary.
   */
  async find(request: CredentialRequest, signal?: AbortSignal): Promise<Address> {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    const key = keyOf(request)
    const last = this.#lookUps.get(key)
    const current = this.#pending.get(key) ?? (last && !this.#isDue(last) ? last.flight : undefined)
    const flight = current ?? this.#launch(key, request, last?.address)
    return flight.wait(signal)
  }

  /** Call after a connection failed. The cluster may have moved, so the next `find` looks it up again. */
  invalidate(request: CredentialRequest): void {
    const last = this.#lookUps.get(keyOf(request))
    if (last) last.isStale = true
  }

  /** Rejects waiting callers and every later `find` with `ERR_REDSHIFT_CLOSED`. */
  close(): void {
    this.#closed = true
    for (const flight of this.#pending.values()) flight.abandon(closedError())
  }

  #isDue({ isStale, endedAt }: LookUp): boolean {
    return isStale && this.#options.clock.now().monotonic - endedAt > PAUSE_MILLIS
  }

  #launch(key: string, request: CredentialRequest, known: Address | undefined): Flight<Address> {
    const { clock, lookUp, timeoutMillis } = this.#options
    const context = new FetchContext(known ? Math.min(RENEWAL_MILLIS, timeoutMillis) : timeoutMillis)
    const flight = new Flight<Address>({
      clock,
      context,
      run: () => lookUp(request, context),
      timeoutError: () =>
        new RedshiftCredentialsError(
          'ERR_REDSHIFT_TIMEOUT',
          `AWS did not return the address of ${JSON.stringify(targetOf(request))} within ${timeoutMillis} ms. Check the network path to AWS, or set host.`,
        ),
      // Not for a renewal: its callers have an old address, and wait at most two seconds for a new one.
      explain: known ? undefined : () => context.deadlineError(),
      land: outcome => {
        this.#pending.delete(key)
        const address = 'value' in outcome ? outcome.value : known
        this.#lookUps.set(key, { flight, endedAt: clock.now().monotonic, address, isStale: 'error' in outcome })
        return address && !this.#closed ? { value: address } : outcome
      },
    })
    this.#pending.set(key, flight)
    return flight
  }
}

const keyOf = (request: CredentialRequest): string => JSON.stringify([request.region ?? null, targetOf(request)])

/** Returns the function that looks addresses up in AWS. */
export const lookUpWith =
  (clients: AwsClients): EndpointCacheOptions['lookUp'] =>
  async (request, context) => {
    // A custom domain name is an address.
    if (request.customDomainName !== undefined) return { host: request.customDomainName, port: 5439 }
    if (request.api === 'identityProvider')
      throw targetError('No host is set, and no address is looked up with identityProvider. Set host or PGHOST.')
    const name = targetOf(request)
    const workgroup = workgroupOf(request)
    return workgroup === undefined
      ? lookUpCluster(clients, request, name, context)
      : lookUpWorkgroup(clients, request, workgroup, context)
  }
