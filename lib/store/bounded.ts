import type { Clock, Timer } from '../flight.js'
import type { StoreFailureReason, StoreOperation } from '../tracing.js'
import type { CredentialStore, StoredValue, StoreEntry } from './store.js'

/** How long a store may take for one operation, in milliseconds, where it does not say. */
const OPERATION_MILLIS = 300
// A silent store costs one operation, and a slow one three, before AWS is asked: there is always enough left for a call.
const SHARE = 1 / 6
// In slices, so that a process whose event loop was busy does not take its own delay for the store's.
const SLICES = 3

/** A store that did not do what it was asked for. */
export class StoreFailure extends Error {
  readonly operation: StoreOperation
  readonly reason: StoreFailureReason
  readonly detail: string | undefined

  constructor(operation: StoreOperation, reason: StoreFailureReason, cause?: unknown) {
    super(`The store's operation ${operation} came to nothing: ${reason}.`)
    this.operation = operation
    this.reason = reason
    this.detail = cause instanceof Error ? describe(cause) : undefined
  }
}

/** What a store makes up is judged as a value that nobody can open. */
const sanitized = ({ value, remainingMillis }: Partial<StoredValue>): StoredValue => ({
  value: typeof value === 'string' ? value : '',
  remainingMillis: Number(remainingMillis),
})

/** Name and code of an error. Its message may be anything: of a store on AWS, one that quotes a session token. */
function describe(error: Error): string {
  const { name, message, code } = error as { name: unknown; message: unknown; code?: unknown }
  // Redis says what is wrong in the first word: OOM, READONLY, NOAUTH.
  const words = [name, code, typeof message === 'string' && /^[A-Z]{2,20}(?= )/.exec(message)?.[0]]
  return words.filter(word => typeof word === 'string' && /^\w{1,60}$/.test(word)).join(' ')
}

/** A store whose every operation ends: within its bound, with what it promises, or with a {@link StoreFailure}. */
export class BoundedStore {
  readonly #store: CredentialStore
  readonly #clock: Clock
  /** How long each operation may take. */
  readonly operationMillis: number

  /** @param deadlineMillis how long the fetch may take that these operations are part of */
  constructor(store: CredentialStore, clock: Clock, deadlineMillis: number) {
    this.#store = store
    this.#clock = clock
    this.operationMillis = Math.min(store.operationMillis ?? OPERATION_MILLIS, deadlineMillis * SHARE)
  }

  async read(key: string): Promise<StoreEntry> {
    return this.#bound('read', async signal => {
      const { stored, claimed } = ((await this.#store.read(key, signal)) ?? {}) as Partial<StoreEntry>
      return { stored: stored && sanitized(stored), claimed: claimed === true }
    })
  }

  /** @param late is called where the claim comes about after all, when nobody waits for it any longer. */
  async claim(key: string, token: string, millis: number, late: () => void): Promise<boolean> {
    const claim = (signal: AbortSignal) => this.#store.claim(key, token, millis, signal)
    return (await this.#bound('claim', claim, claimed => claimed && late())) === true
  }

  async write(key: string, token: string, value: string, lifetimeMillis: number): Promise<boolean> {
    const write = (signal: AbortSignal) => this.#store.write(key, token, value, lifetimeMillis, signal)
    return (await this.#bound('write', write)) === true
  }

  release(key: string, token: string): Promise<void> {
    return this.#bound('release', signal => this.#store.release(key, token, signal))
  }

  remove(key: string, value: string): Promise<void> {
    return this.#bound('remove', signal => this.#store.remove(key, value, signal))
  }

  #bound<T>(
    operation: StoreOperation,
    run: (signal: AbortSignal) => Promise<T>,
    late?: (value: T) => void,
  ): Promise<T> {
    const controller = new AbortController()
    return new Promise((resolve, reject) => {
      let timer: Timer
      let open = true
      const end = (settle: () => void): void => {
        open = false
        timer.cancel()
        settle()
      }
      const giveUp = (): void => {
        if (!open) return
        end(() => reject(new StoreFailure(operation, 'slow')))
        controller.abort()
      }
      const wait = (slices: number): void => {
        // An answer may have come in while this process was busy: it is read before the judgement.
        timer = this.#clock.setTimeout(
          () => (slices > 1 ? wait(slices - 1) : this.#clock.turn(giveUp)),
          this.operationMillis / SLICES,
        )
        timer.unref()
      }
      wait(SLICES)
      // Async, so that a store that throws at once is caught as well.
      const running = (async () => run(controller.signal))()
      running.then(
        value => (open ? end(() => resolve(value)) : late?.(value)),
        error => open && end(() => reject(new StoreFailure(operation, 'failed', error))),
      )
    })
  }
}
