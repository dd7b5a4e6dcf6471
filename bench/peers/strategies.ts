import { memoize } from '@smithy/core/config'
import { CredentialCache } from '../../lib/cache.js'
import { RedshiftCredentialsError } from '../../lib/errors.js'
import type { CredentialRequest } from '../../lib/request.js'
import type { SimulatedTime } from '../support/simulated-time.js'

/** What a strategy gives to a connection. The server decides whether it is valid. */
export interface Issued {
  readonly expiration: Date
}

/** What a strategy runs in. */
export interface World {
  readonly time: SimulatedTime
  /** Calls AWS. */
  readonly fetch: () => Promise<Issued>
  readonly lifetimeSeconds: number
  readonly random: () => number
}

/** When to fetch the next login, and what to return until then. */
export interface Strategy {
  readonly name: string
  create(world: World): () => Promise<Issued>
}

const request = (durationSeconds: number): CredentialRequest => ({
  api: 'GetClusterCredentials',
  region: 'us-west-2',
  clusterIdentifier: 'examplecluster',
  customDomainName: undefined,
  dbName: 'dev',
  dbUser: 'alice',
  dbGroups: [],
  autoCreate: false,
  durationSeconds,
})

/** The cache of this package, with the simulated clock. */
export function ourCache({ time, fetch, random }: World): CredentialCache {
  let passwords = 0
  return new CredentialCache({
    clock: time,
    random,
    maxEntries: 100,
    fetchTimeoutMillis: 15_000,
    fetch: async () => {
      const sentAt = time.now()
      try {
        const { expiration } = await fetch()
        // The Date header has whole seconds.
        const serverTime = Math.floor(time.wall / 1_000) * 1_000
        return {
          user: 'IAM:alice',
          password: `${++passwords}`,
          expiration,
          nextRefreshTime: undefined,
          serverTime,
          sentAt,
        }
      } catch {
        throw new RedshiftCredentialsError('ERR_REDSHIFT_UNAVAILABLE', 'AWS failed.')
      }
    },
  })
}

/** Requests the current login of {@link ourCache}. */
export const ask = (cache: CredentialCache, lifetimeSeconds: number): Promise<Issued> =>
  cache.get('key', request(lifetimeSeconds))

export const ours: Strategy = {
  name: 'pg-redshift-iam',
  create: world => {
    const cache = ourCache(world)
    return () => ask(cache, world.lifetimeSeconds)
  },
}

/** The SDK's own `memoize`, as used for AWS credentials: this long before expiry, callers wait for the next login. */
const memoizedAhead = (name: string, marginMillis: number): Strategy => ({
  name,
  create: ({ time, fetch }) => memoize(fetch, ({ expiration }) => expiration.getTime() - time.wall < marginMillis),
})

/** Fetches the next login when the last one has expired. */
export const expiryOnly = memoizedAhead('expiry only', 0)

/** As the SDK refreshes AWS credentials. */
export const fiveMinutesAhead = memoizedAhead("5 minutes ahead, blocking (the SDK's memoize)", 300_000)

/**
 * The rules for refreshing credentials that AWS's SDKs share since 2026 ("static stability"), modelled after the sources of botocore
 * and of the SDK for Rust. In the advisory window, one caller refreshes and the others get the current credentials. In the last minute,
 * all callers wait. After a failure, the old credentials are used for 5 to 10 minutes, expired or not, without a call to AWS.
 */
const sharedRules = (name: string, advisoryMillis: (lifetimeSeconds: number) => number): Strategy => ({
  name,
  create: ({ time, fetch, lifetimeSeconds, random }) => {
    const MANDATORY = 60_000
    const advisory = advisoryMillis(lifetimeSeconds)
    let cached: Issued | undefined
    let flight: Promise<Issued> | undefined
    let pausedUntil = 0
    const refresh = async (): Promise<Issued> => {
      try {
        cached = await fetch()
        pausedUntil = 0
        return cached
      } catch (error) {
        if (!cached) throw error
        pausedUntil = time.millis + 300_000 + random() * 300_000
        return cached
      } finally {
        flight = undefined
      }
    }
    return async () => {
      const left = cached ? cached.expiration.getTime() - time.wall : 0
      if (cached && (left > advisory || time.millis < pausedUntil)) return cached
      if (cached && left > MANDATORY && flight) return cached
      flight ??= refresh()
      return flight
    }
  },
})

export const sharedRulesFive = sharedRules("AWS's shared rules, 5 minutes", () => 300_000)

/** botocore widens the advisory window of credentials that are valid for 20 to 90 minutes. */
export const sharedRulesWider = sharedRules("AWS's shared rules, 5 or 15 minutes", lifetimeSeconds =>
  lifetimeSeconds <= 1_200 ? 300_000 : 900_000,
)
