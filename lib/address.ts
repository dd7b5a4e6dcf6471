import { LRUCache } from 'lru-cache'
import type { AwsClients } from './aws/client.js'
import { lookUpCluster } from './aws/provisioned.js'
import { lookUpWorkgroup } from './aws/serverless.js'
import { RedshiftCredentialsError } from './errors.js'
import { Flight, systemClock } from './flight.js'
import { serverlessWorkgroup } from './identifiers.js'
import { type CredentialRequest, targetOf } from './request.js'

/** Where a cluster or workgroup is to be reached. */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Addresses as AWS knows them, by region and target: looked up once, and again after `forget`. A failure is not kept.
 * One look-up at a time per target, under the same deadline as a fetch.
 */
export class AddressBook {
  readonly #clients: AwsClients
  readonly #timeoutMillis: number
  readonly #known: LRUCache<string, Address>
  readonly #flights = new Map<string, Flight<Address>>()

  constructor(clients: AwsClients, timeoutMillis: number, maxEntries: number) {
    this.#clients = clients
    this.#timeoutMillis = timeoutMillis
    this.#known = new LRUCache({ max: maxEntries })
  }

  /**
   * @throws RedshiftCredentialsError `ACCESS_DENIED` names the permission, and the option `host` that does without.
   */
  async find(request: CredentialRequest, signal?: AbortSignal): Promise<Address> {
    const key = keyOf(request)
    const known = this.#known.get(key)
    if (known) return known
    signal?.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#launch(key, request)
    return flight.wait(signal)
  }

  /** After a connection was refused: the cluster may have moved. */
  forget(request: CredentialRequest): void {
    this.#known.delete(keyOf(request))
  }

  #launch(key: string, request: CredentialRequest): Flight<Address> {
    const flight = new Flight<Address>(
      systemClock,
      this.#timeoutMillis,
      signal => lookUp(this.#clients, request, signal),
      () =>
        new RedshiftCredentialsError(
          'ERR_REDSHIFT_TIMEOUT',
          `The address of ${JSON.stringify(targetOf(request))} could not be looked up within ${this.#timeoutMillis} ms. Check the network path to AWS, or give host.`,
        ),
      outcome => {
        this.#flights.delete(key)
        if ('value' in outcome) this.#known.set(key, outcome.value)
        return outcome
      },
    )
    this.#flights.set(key, flight)
    return flight
  }
}

const keyOf = (request: CredentialRequest): string => JSON.stringify([request.region ?? null, targetOf(request)])

async function lookUp(clients: AwsClients, request: CredentialRequest, signal: AbortSignal): Promise<Address> {
  // A custom domain is an address by itself.
  if (request.customDomainName !== undefined) return { host: request.customDomainName, port: 5439 }
  const name = targetOf(request)
  const workgroup = request.api === 'GetCredentials' ? name : serverlessWorkgroup(name)
  return workgroup === undefined
    ? lookUpCluster(clients, request, name, signal)
    : lookUpWorkgroup(clients, request, workgroup, signal)
}
