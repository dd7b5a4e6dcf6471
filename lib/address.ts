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

export interface AddressLookUpOptions {
  readonly clock: Clock
  /** Looks an address up in AWS. Rejects only with `RedshiftCredentialsError`. */
  readonly lookUp: (request: CredentialRequest, context: FetchContext) => Promise<Address>
  readonly timeoutMillis: number
}

/** A look-up that has ended. */
interface LastLookUp {
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
 * Looks up the address of the cluster or workgroup that the options name, and caches it. It is only needed if no host is given, so all
 * requests of one `RedshiftCredentials` have the same target. The address is looked up once, and again after a failure or `invalidate`, at
 * most once a second. If that fails or takes over two seconds, the old address is used. There is one look-up at a time, with the deadline of
 * a fetch.
 */
export class AddressLookUp {
  readonly #options: AddressLookUpOptions
  #pending: Flight<Address> | undefined
  #last: LastLookUp | undefined
  #closed = false

  constructor(options: AddressLookUpOptions) {
    this.#options = options
  }

  /**
   * Returns the address.
   * @throws RedshiftCredentialsError With `ERR_REDSHIFT_ACCESS_DENIED`, the message names the missing permission and the option `host`,
   * which makes the look-up unnecessary.
   */
  async find(request: CredentialRequest, signal?: AbortSignal): Promise<Address> {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    const last = this.#last
    const flight = this.#pending ?? (last && !this.#isDue(last) ? last.flight : this.#launch(request, last?.address))
    return flight.wait(signal)
  }

  /** Call after a connection failed. The cluster may have moved, so the next `find` looks it up again. */
  invalidate(): void {
    if (this.#last) this.#last.isStale = true
  }

  /** Rejects waiting callers and every later `find` with `ERR_REDSHIFT_CLOSED`. */
  close(): void {
    this.#closed = true
    this.#pending?.abandon(closedError())
  }

  #isDue({ isStale, endedAt }: LastLookUp): boolean {
    return isStale && this.#options.clock.now().monotonic - endedAt > PAUSE_MILLIS
  }

  #launch(request: CredentialRequest, known: Address | undefined): Flight<Address> {
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
      land: outcome => {
        this.#pending = undefined
        const address = 'value' in outcome ? outcome.value : known
        this.#last = { flight, endedAt: clock.now().monotonic, address, isStale: 'error' in outcome }
        return address && !this.#closed ? { value: address } : outcome
      },
    })
    this.#pending = flight
    return flight
  }
}

/** Returns the function that looks addresses up in AWS. */
export const lookUpWith =
  (clients: AwsClients): AddressLookUpOptions['lookUp'] =>
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
