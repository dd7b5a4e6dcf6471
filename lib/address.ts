import { LRUCache } from 'lru-cache'
import type { AwsClients } from './aws/client.js'
import { lookUpCluster } from './aws/provisioned.js'
import { lookUpWorkgroup } from './aws/serverless.js'
import type { Clock } from './clock.js'
import { closedError, RedshiftCredentialsError, targetError } from './errors.js'
import { FetchContext } from './fetch.js'
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

/** A look-up, pending or finished. */
interface LookUp {
  readonly flight: Flight<Address>
  /** When it ended, on the monotonic clock; undefined while it is pending. */
  endedAt?: number
  /** The look-up failed, or a connection to the address failed. */
  stale?: boolean
  /** The address that AWS returned, in this or in an earlier look-up. */
  address?: Address | undefined
}

// The minimum pause between two look-ups, because AWS limits their rate for the whole account.
const PAUSE_MILLIS = 1_000
/** How long a connection waits for a new address if it has an old one. */
const RENEWAL_MILLIS = 2_000

/**
 * Caches the addresses that AWS returns, by region and target. An address is looked up once, and again after a failure or `invalidate`, at
 * most once a second. If that fails or takes over two seconds, the old address is used. Each target has one look-up at a time, with the
 * deadline of a fetch.
 */
export class EndpointCache {
  readonly #options: EndpointCacheOptions
  readonly #lookUps: LRUCache<string, LookUp>
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
    const known = this.#lookUps.get(key)
    if (known && !this.#isDue(known)) return known.flight.wait(signal)
    const lookUp = this.#launch(request, known?.address)
    this.#lookUps.set(key, lookUp)
    return lookUp.flight.wait(signal)
  }

  /** Call after a connection failed. The cluster may have moved, so the next `find` looks it up again. */
  invalidate(request: CredentialRequest): void {
    const known = this.#lookUps.get(keyOf(request))
    if (known) known.stale = true
  }

  /** Rejects waiting callers and every later `find` with `ERR_REDSHIFT_CLOSED`. */
  close(): void {
    this.#closed = true
    for (const { flight } of this.#lookUps.values()) flight.abandon(closedError())
  }

  #isDue({ stale, endedAt }: LookUp): boolean {
    return stale === true && endedAt !== undefined && this.#options.clock.now().monotonic - endedAt > PAUSE_MILLIS
  }

  #launch(request: CredentialRequest, known?: Address): LookUp {
    const { clock, lookUp: run, timeoutMillis } = this.#options
    const deadlineMillis = known ? Math.min(RENEWAL_MILLIS, timeoutMillis) : timeoutMillis
    const context = new FetchContext(deadlineMillis)
    const lookUp: LookUp = {
      flight: new Flight<Address>({
        clock,
        context,
        run: () => run(request, context),
        timeoutError: () =>
          new RedshiftCredentialsError(
            'ERR_REDSHIFT_TIMEOUT',
            `AWS did not return the address of ${JSON.stringify(targetOf(request))} within ${timeoutMillis} ms. Check the network path to AWS, or set host.`,
          ),
        land: outcome => {
          lookUp.endedAt = clock.now().monotonic
          lookUp.stale = 'error' in outcome
          lookUp.address = 'value' in outcome ? outcome.value : known
          return lookUp.address && !this.#closed ? { value: lookUp.address } : outcome
        },
      }),
    }
    return lookUp
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
