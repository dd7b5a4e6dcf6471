import { LRUCache } from 'lru-cache'
import type { AwsClients } from './aws/client.js'
import { lookUpCluster } from './aws/provisioned.js'
import { lookUpWorkgroup } from './aws/serverless.js'
import { closedError, RedshiftCredentialsError, targetError } from './errors.js'
import { Flight, systemClock } from './flight.js'
import { type CredentialRequest, targetOf, workgroupOf } from './request.js'

/** Where a cluster or workgroup is to be reached. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A look-up, under way or done. */
interface LookUp {
  readonly flight: Flight<Address>
  /** When it ended, on the monotonic clock; undefined while it is under way. */
  endedAt?: number
  /** It failed, or nothing answers at the address. */
  stale?: boolean
  /** What AWS has told, now or the last time. */
  address?: Address | undefined
}

// However many connections fail: AWS limits the rate of these calls for the whole account.
const PAUSE_MILLIS = 1_000
/** How long a connection waits for a newer address than the one in hand. */
const RENEWAL_MILLIS = 2_000

/**
 * Addresses as AWS knows them, by region and target: looked up once, and again after a failure or `forget`, but not more than
 * once a second. An address in hand is kept where that fails, or takes over two seconds. One look-up at a time per target, under
 * the same deadline as a fetch.
 */
export class AddressBook {
  readonly #clients: AwsClients
  readonly #timeoutMillis: number
  readonly #lookUps: LRUCache<string, LookUp>
  #closed = false

  constructor(clients: AwsClients, timeoutMillis: number, maxEntries: number) {
    this.#clients = clients
    this.#timeoutMillis = timeoutMillis
    this.#lookUps = new LRUCache({ max: maxEntries })
  }

  /**
   * @throws RedshiftCredentialsError `ACCESS_DENIED` names the permission, and the option `host` that does without.
   */
  async find(request: CredentialRequest, signal?: AbortSignal): Promise<Address> {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    const key = keyOf(request)
    const known = this.#lookUps.get(key)
    if (known && !isDue(known)) return known.flight.wait(signal)
    const lookUp = this.#launch(request, known?.address)
    this.#lookUps.set(key, lookUp)
    return lookUp.flight.wait(signal)
  }

  /** After no connection came about: the cluster may have moved. */
  forget(request: CredentialRequest): void {
    const known = this.#lookUps.get(keyOf(request))
    if (known) known.stale = true
  }

  /** Rejects who waits with `ERR_REDSHIFT_CLOSED`, and every later `find`. */
  close(): void {
    this.#closed = true
    for (const { flight } of this.#lookUps.values()) flight.abandon(closedError())
  }

  #launch(request: CredentialRequest, known?: Address): LookUp {
    const lookUp: LookUp = {
      flight: new Flight<Address>(
        systemClock,
        known ? Math.min(RENEWAL_MILLIS, this.#timeoutMillis) : this.#timeoutMillis,
        signal => lookUpAddress(this.#clients, request, signal),
        () =>
          new RedshiftCredentialsError(
            'ERR_REDSHIFT_TIMEOUT',
            `The address of ${JSON.stringify(targetOf(request))} could not be looked up within ${this.#timeoutMillis} ms. Check the network path to AWS, or give host.`,
          ),
        outcome => {
          lookUp.endedAt = performance.now()
          lookUp.stale = 'error' in outcome
          lookUp.address = 'value' in outcome ? outcome.value : known
          return lookUp.address && !this.#closed ? { value: lookUp.address } : outcome
        },
      ),
    }
    return lookUp
  }
}

const isDue = ({ stale, endedAt }: LookUp): boolean =>
  stale === true && endedAt !== undefined && performance.now() - endedAt > PAUSE_MILLIS

const keyOf = (request: CredentialRequest): string => JSON.stringify([request.region ?? null, targetOf(request)])

async function lookUpAddress(clients: AwsClients, request: CredentialRequest, signal: AbortSignal): Promise<Address> {
  // A custom domain is an address by itself.
  if (request.customDomainName !== undefined) return { host: request.customDomainName, port: 5439 }
  if (request.api === 'identityProvider')
    throw targetError('No host is named, and with identityProvider nothing is looked up. Set host, or PGHOST.')
  const name = targetOf(request)
  const workgroup = workgroupOf(request)
  return workgroup === undefined
    ? lookUpCluster(clients, request, name, signal)
    : lookUpWorkgroup(clients, request, workgroup, signal)
}
