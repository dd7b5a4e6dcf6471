import type { Clock } from '../clock.js'
import type { CurrentLogin, FetchContext } from '../fetch-context.js'
import { type CredentialRequest, cacheKey } from '../request.js'
import { type StoreIgnoredReason, type StoreMessage, storeUse, traceContext } from '../tracing.js'
import { BoundedStore, StoreFailure } from './bounded-store.js'
import { storeKey } from './crypto.js'
import type { CredentialStore } from './store.js'

export interface SearchOptions {
  readonly store: CredentialStore
  readonly clock: Clock
  /** The AWS endpoint, if one is configured. */
  readonly endpoint: string | undefined
}

/** One search for a login in the store: its key, how much time is left, and what is reported on the channel `pg-redshift-iam:store`. */
export class Search {
  readonly request: CredentialRequest
  /** The login that this process had when the search began. */
  readonly current: CurrentLogin | undefined
  /** The time limit of the whole fetch, in milliseconds. */
  readonly deadlineMillis: number
  readonly store: BoundedStore
  /** What the value is encrypted for. It is authenticated, but not stored. */
  readonly encryptionContext: string
  /** The key in the store, a hash of the encryption context. */
  readonly key: string
  readonly #clock: Clock
  readonly #startedAt: number
  /** Values that were already reported, because every poll reads the same one. */
  readonly #reported = new Set<string>()

  constructor(
    { store, clock, endpoint }: SearchOptions,
    request: CredentialRequest,
    { deadlineMillis, current }: Pick<FetchContext, 'deadlineMillis' | 'current'>,
  ) {
    this.request = request
    this.current = current
    this.deadlineMillis = deadlineMillis
    this.store = new BoundedStore(store, clock, deadlineMillis)
    this.encryptionContext = cacheKey(request, { endpoint, identity: store.identity })
    this.key = storeKey(this.encryptionContext)
    this.#clock = clock
    this.#startedAt = clock.now().monotonic
  }

  /** The time since the search began, in milliseconds. */
  get spentMillis(): number {
    return this.#clock.now().monotonic - this.#startedAt
  }

  /** Whether there is time to wait for the store. If the deadline passed meanwhile, callers would lose a login that AWS has returned. */
  get hasTime(): boolean {
    return this.spentMillis < this.deadlineMillis - 2 * this.store.operationMillis
  }

  /** Ends the wait for other processes. @throws StoreFailure after two thirds of the deadline */
  throwIfOverdue(): void {
    if (this.spentMillis >= (this.deadlineMillis * 2) / 3) throw new StoreFailure('claim', 'held')
  }

  report(event: StoreMessage['event'], why?: Partial<StoreFailure> | StoreIgnoredReason): void {
    if (!storeUse.hasSubscribers) return
    const { operation, reason, detail } = typeof why === 'string' ? { reason: why } : (why ?? {})
    storeUse.publish({ ...traceContext(this.request), event, operation, reason, detail })
  }

  /** Reports once why a value is ignored. */
  reportIgnored(value: string, reason: StoreIgnoredReason | undefined): void {
    if (reason && !this.#reported.has(value)) this.report('ignored', reason)
    this.#reported.add(value)
  }

  /** Reports a failure. It is not thrown, because logins do not depend on the store. */
  reportFailed(error: unknown): undefined {
    this.report('failed', error instanceof StoreFailure ? error : undefined)
  }
}
